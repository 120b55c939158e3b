import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { bpf, net, type ShippedPrograms } from "../../dist/index.js";

type Types = ShippedPrograms["tc_icmp_filter"];
const kept = ["peers", "blacklist", "allow"] as const;

for (const method of ["tcx", "clsact"] as const) {
  describe(`exchanging the program in a flood, attached by ${method}`, () => {
    let lab: net.Playground;
    let versions: Awaited<ReturnType<typeof bpf.compile>>[];
    before(async () => {
      lab = await net.playground({ peers: 2 });
      const { text } = await bpf.source("tc_icmp_filter");
      versions = await Promise.all([1, 2].map((n) => bpf.compile(`${text}\n/* version ${n} */\n`, { name: "tc_icmp_filter" })));
    });
    afterEach(() => bpf.closeAll());
    after(() => lab.close());

    const load = (version: number, mode: string, keep: readonly (keyof Types["maps"])[]) => bpf.load<Types>(versions[version % 2]!, { globals: { mode, threshold: 20 }, keep: [...keep] });

    test("100 exchanges while all is dropped: no packet meets no filter", async () => {
      await (await load(0, "drop_all", [])).attach({ interface: lab.interface, method });
      const floods = Promise.all([lab.peers[0]!.ping({ count: 3000, intervalMs: 1, timeoutMs: 100, cpu: 0 }), lab.peers[1]!.ping({ count: 3000, intervalMs: 1, family: 6, timeoutMs: 100, cpu: 1 })]);
      for (let i = 1; i <= 100; i++) {
        const filter = await load(i, "drop_all", []);
        assert.equal(filter.programs.icmp_filter.hook?.method, method);
      }
      assert.deepEqual((await floods).map(({ sent, received }) => [sent, received]), [[3000, 0], [3000, 0]]);
    });

    test("100 exchanges that keep the maps: not one reply above the threshold", async () => {
      const first = await (await load(0, "filter", kept)).attach({ interface: lab.interface, method });
      const flood = lab.peers[0]!.ping({ count: 2500, intervalMs: 1, timeoutMs: 100 });
      let filter = first;
      for (let i = 1; i <= 100; i++) filter = await load(i, "filter", kept);
      const { sent, received } = await flood;
      assert.deepEqual([sent, received], [2500, 20]);
      assert.equal(first.closed, true);
      const { passed, dropped } = filter.maps.peers.get(lab.peers[0]!.ipv4)!;
      assert.deepEqual([passed, dropped], [20, 2480]);
    });

    test("a version that the verifier rejects leaves the old one where it is", async () => {
      const filter = await (await load(0, "drop_all", [])).attach({ interface: lab.interface, method });
      const broken = await bpf.compile('#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\nSEC("tc") int icmp_filter(struct __sk_buff *skb) { return *(int *)(long)skb->len; }', { name: "tc_icmp_filter" });
      await assert.rejects(bpf.load(broken), { name: "VerifierError" });
      assert.equal(filter.attached, true);
      assert.equal((await lab.peers[0]!.ping({ count: 5, intervalMs: 2, timeoutMs: 100 })).received, 0);
    });
  });
}
