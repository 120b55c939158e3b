import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { bpf, net, type ShippedPrograms } from "../../../dist/api/index.js";

type Types = ShippedPrograms["tc_icmp_filter"];
const kept = ["peers", "blacklist", "allow"] as const;

/** Pings from a peer, without a pause, while something goes on. */
async function pingDuring<T>(
  peer: net.Peer,
  family: 4 | 6,
  act: () => Promise<T>,
): Promise<{ sent: number; received: number }> {
  let going = true;
  const total = { sent: 0, received: 0 };
  const pinging = (async () => {
    while (going) {
      const { sent, received } = await peer.ping({ count: 200, intervalMs: 1, family, timeoutMs: 20 });
      total.sent += sent;
      total.received += received;
    }
  })();
  try {
    await act();
  } finally {
    going = false;
    await pinging;
  }
  return total;
}

for (const method of ["tcx", "clsact"] as const) {
  describe(`exchanging the program in a flood, attached by ${method}`, () => {
    let lab: net.Playground;
    let versions: Awaited<ReturnType<typeof bpf.compile>>[];
    before(async () => {
      lab = await net.playground({ peers: 2 });
      const { text } = await bpf.source("tc_icmp_filter");
      versions = await Promise.all(
        [1, 2].map((n) => bpf.compile(`${text}\n/* version ${n} */\n`, { name: "tc_icmp_filter" })),
      );
    });
    afterEach(() => bpf.closeAll());
    after(() => lab.close());

    const load = (version: number, mode: string, keep: readonly (keyof Types["maps"])[]) =>
      bpf.load<Types>(versions[version % 2]!, { globals: { mode, threshold: 20 }, keep: [...keep] });

    test("100 exchanges while all is dropped: no packet meets no filter", async () => {
      await (await load(0, "drop_all", [])).attach({ interface: lab.interface, method });
      const [six, four] = lab.peers;
      const exchange = async () => {
        for (let i = 1; i <= 100; i++)
          assert.equal((await load(i, "drop_all", [])).programs.icmp_filter.hook?.method, method);
      };
      let inner = { sent: 0, received: 0 };
      const outer = await pingDuring(six!, 6, async () => void (inner = await pingDuring(four!, 4, exchange)));
      for (const { sent, received } of [inner, outer]) {
        assert.ok(sent >= 200);
        assert.equal(received, 0);
      }
    });

    test("100 exchanges that keep the maps: not one reply above the threshold", async () => {
      const first = await (await load(0, "filter", kept)).attach({ interface: lab.interface, method });
      let filter = first;
      const { sent, received } = await pingDuring(lab.peers[0]!, 4, async () => {
        for (let i = 1; i <= 100; i++) filter = await load(i, "filter", kept);
      });
      assert.ok(sent >= 200);
      assert.equal(received, 20);
      assert.equal(first.closed, true);
      const { passed, dropped } = filter.maps.peers.get(lab.peers[0]!.ipv4)!;
      assert.deepEqual([passed, dropped], [20, sent - 20]);
    });

    test("a version that the verifier rejects leaves the old one where it is", async () => {
      const filter = await (await load(0, "drop_all", [])).attach({ interface: lab.interface, method });
      const broken = await bpf.compile(
        '#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\nSEC("tc") int icmp_filter(struct __sk_buff *skb) { return *(int *)(long)skb->len; }',
        { name: "tc_icmp_filter" },
      );
      await assert.rejects(bpf.load(broken), { name: "VerifierError" });
      assert.equal(filter.attached, true);
      assert.equal((await lab.peers[0]!.ping({ count: 5, intervalMs: 2, timeoutMs: 100 })).received, 0);
    });
  });
}
