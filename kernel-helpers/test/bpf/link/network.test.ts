import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { execa } from "execa";
import { AttachError, ArgumentError, bpf, net } from "../../../dist/api/index.js";
import { childrenUntil } from "../../workload/children.js";
import { allIds, idsOf } from "../../workload/kernel-state.js";
import { until } from "../../workload/until.js";

/** What a process holds in the kernel. */
const heldBy = (pid: number) => ({ programs: idsOf("prog_id", pid), links: idsOf("link_id", pid) });

const index = new URL("../../../dist/api/index.js", import.meta.url).href;

async function clsactOn(name: string): Promise<boolean> {
  const { stdout } = await execa("tc", ["qdisc", "show", "dev", name]);
  return stdout.includes("clsact");
}

/** What is said on stderr while something is done. */
async function warnings(act: () => Promise<unknown>): Promise<string> {
  const { warn } = console;
  const said: string[] = [];
  console.warn = (text: string) => void said.push(text);
  try {
    await act();
  } finally {
    console.warn = warn;
  }
  return said.join("\n");
}

const owned = childrenUntil(afterEach);

/** A process that runs a script until it says "ready"; `end` ends it by a signal. */
async function elsewhere(script: string) {
  const lines = `import { bpf, net } from ${JSON.stringify(index)}; ${script}; console.log("ready"); setInterval(() => {}, 1000);`;
  const child = owned(
    spawn(process.execPath, ["--input-type=module", "-e", lines], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  await once(child.stdout, "data");
  return {
    pid: child.pid!,
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      await once(child, "close");
    },
  };
}

/** Programs and links of these ids that the kernel still has; it frees programs after a grace period. */
async function assertGone({ programs, links }: { programs: Set<number>; links: Set<number> }): Promise<void> {
  for (const [kind, ids] of [
    ["prog", programs],
    ["link", links],
  ] as const) {
    await until(`no ${kind} is left`, async () => {
      const all = await allIds(kind);
      return ![...ids].some((id) => all.has(id));
    });
  }
}

describe("attaching to an interface", () => {
  let lab: net.Playground;
  before(async () => void (lab = await net.playground({ peers: 1 })));
  afterEach(() => bpf.closeAll());
  after(() => lab.close());

  /** Resolves once so many packets have come in that a flood must have begun. */
  async function inMidFlood(): Promise<void> {
    const received = () => Number(readFileSync(`/sys/class/net/${lab.interface}/statistics/rx_packets`, "utf8"));
    const before = received();
    await until("the flood has begun", () => received() - before >= 20);
  }
  const answered = async (peer = lab.peers[0]!) =>
    (await peer.ping({ count: 5, intervalMs: 2, timeoutMs: 100 })).received;
  const dropAll = () => bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } });

  test("an interface that is not there: the error names those there are", async () => {
    const filter = await dropAll();
    await assert.rejects(
      filter.attach({ interface: "eth77" }),
      (error: Error) =>
        error instanceof AttachError &&
        /There is no network interface "eth77"\.\nInterfaces here: lo, /.test(error.message),
    );
    assert.equal(filter.attached, false);
    await filter.attach({ interface: lab.interface });
    assert.equal(await answered(), 0);
  });

  test("no interface, or a wrong direction, for a network program; an interface for another", async () => {
    const filter = await dropAll();
    await assert.rejects(
      filter.attach(),
      (error: Error) => error instanceof ArgumentError && /must be named/.test(error.message),
    );
    await assert.rejects(filter.attach({ interface: "lo", direction: "sideways" as never }), ArgumentError);
    const minimal = await bpf.load("minimal");
    await assert.rejects(minimal.attach({ interface: "lo" }), /has no program for a network interface/);
  });

  test("an interface that is down: said, and it works once it is up", async () => {
    const filter = await dropAll();
    await execa("ip", ["link", "set", lab.interface, "down"]);
    try {
      assert.match(
        await warnings(() => filter.attach({ interface: lab.interface })),
        new RegExp(`^The interface ${lab.interface} is down: icmp_filter will see no packets until it is up`),
      );
    } finally {
      await execa("ip", ["link", "set", lab.interface, "up"]);
    }
    assert.equal(await answered(), 0);
    assert.equal(filter.globals.dropped, 5);
  });

  for (const method of ["tcx", "clsact"] as const) {
    test(`an interface that vanishes under a filter (${method}): said, and the filter is usable elsewhere`, async () => {
      const other = await net.playground({ peers: 1 });
      const filter = await (await dropAll()).attach({ interface: other.interface, method });
      const said = await warnings(async () => {
        other.close();
        await sleep(800);
      });
      assert.match(
        said,
        new RegExp(`^The interface ${other.interface} no longer exists: icmp_filter is no longer attached`),
      );
      assert.equal(filter.attached, false);
      assert.equal(filter.programs.icmp_filter.hook, undefined);
      await filter.attach({ interface: lab.interface, method });
      assert.equal(await answered(), 0);
      filter.close();
      assert.equal(await answered(), 5);
      assert.equal(await clsactOn(lab.interface), false);
    });
  }

  for (const [method, takeOff] of [
    ["tcx", () => execa("bpftool", ["link", "detach", "id", String([...idsOf("link_id")][0])])],
    ["clsact", () => execa("tc", ["qdisc", "del", "dev", lab.interface, "clsact"])],
  ] as const) {
    test(`a filter that somebody else takes off (${method}): said, and it can be attached again`, async () => {
      const filter = await (await dropAll()).attach({ interface: lab.interface, method });
      assert.equal(await answered(), 0);
      const said = await warnings(async () => {
        await takeOff();
        assert.equal(filter.attached, false);
        await sleep(800);
      });
      assert.equal(
        said,
        `icmp_filter was detached from the interface ${lab.interface} by another process: attach it again to go on.`,
      );
      assert.equal(await answered(), 5);
      await filter.attach({ interface: lab.interface, method });
      assert.equal(await answered(), 0);
    });
  }

  test("attached again it stays; attached elsewhere it moves", async () => {
    const other = await net.playground({ peers: 1 });
    try {
      const filter = await (await dropAll()).attach({ interface: lab.interface });
      await filter.attach({ interface: lab.interface, direction: "ingress" });
      assert.deepEqual(filter.programs.icmp_filter.hook, {
        interface: lab.interface,
        direction: "ingress",
        method: "tcx",
      });
      await filter.attach({ interface: other.interface });
      assert.equal(await answered(), 5);
      assert.equal(await answered(other.peers[0]), 0);
      await filter.attach({ interface: other.interface, method: "clsact" });
      assert.equal(await answered(other.peers[0]), 0);
      filter.detach();
      assert.equal(await answered(other.peers[0]), 5);
    } finally {
      bpf.closeAll();
      other.close();
    }
  });

  test("clsact: our qdisc goes with our last filter; one that was there stays", async () => {
    const filter = await (await dropAll()).attach({ interface: lab.interface, method: "clsact" });
    assert.equal(await clsactOn(lab.interface), true);
    filter.detach();
    assert.equal(await clsactOn(lab.interface), false);

    await execa("tc", ["qdisc", "add", "dev", lab.interface, "clsact"]);
    try {
      await filter.attach({ interface: lab.interface, method: "clsact" });
      assert.equal(await answered(), 0);
      filter.detach();
      assert.equal(await clsactOn(lab.interface), true);
    } finally {
      await execa("tc", ["qdisc", "del", "dev", lab.interface, "clsact"]);
    }
  });

  test("clsact: a qdisc that somebody puts in the place of ours stays", async () => {
    const filter = await (await dropAll()).attach({ interface: lab.interface, method: "clsact" });
    const qdisc = (what: string) => execa("tc", ["qdisc", what, "dev", lab.interface, "clsact"]);
    await qdisc("del");
    await qdisc("add");
    try {
      filter.detach();
      assert.equal(await clsactOn(lab.interface), true);
      await filter.attach({ interface: lab.interface, method: "clsact" });
      assert.equal(await answered(), 0);
      filter.detach();
      assert.equal(await clsactOn(lab.interface), true);
    } finally {
      await qdisc("del");
    }
  });

  test("clsact: our qdisc stays while another's filter is on it", async () => {
    const filter = await (await dropAll()).attach({ interface: lab.interface, method: "clsact" });
    await execa("tc", [
      "filter",
      "add",
      "dev",
      lab.interface,
      "egress",
      "protocol",
      "ip",
      "prio",
      "7",
      "u32",
      "match",
      "u32",
      "0",
      "0",
    ]);
    filter.detach();
    assert.equal(await clsactOn(lab.interface), true);
    assert.match((await execa("tc", ["filter", "show", "dev", lab.interface, "egress"])).stdout, /pref 7 u32/);
    await execa("tc", ["filter", "del", "dev", lab.interface, "egress", "prio", "7"]);
    await filter.attach({ interface: lab.interface, method: "clsact" });
    filter.detach();
    assert.equal(await clsactOn(lab.interface), true, "it is theirs from then on");
    await execa("tc", ["qdisc", "del", "dev", lab.interface, "clsact"]);
  });

  test("two processes on one interface by clsact: each removes its own", async () => {
    const child = await elsewhere(
      `await (await bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } })).attach({ interface: ${JSON.stringify(lab.interface)}, method: "clsact" })`,
    );
    const filter = await (await dropAll()).attach({ interface: lab.interface, method: "clsact" });
    filter.close();
    assert.equal(await answered(), 0, "the other's filter is there");
    await child.end("SIGKILL");
    assert.equal(await net.sweep(), 1);
    assert.equal(await answered(), 5);
    assert.equal(await clsactOn(lab.interface), false);
  });

  test("SIGKILL in mid-flood, TCX: all pings pass at once, and nothing is left in the kernel", async () => {
    const child = await elsewhere(
      `await (await bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } })).attach({ interface: ${JSON.stringify(lab.interface)} })`,
    );
    assert.equal(await answered(), 0);
    const held = heldBy(child.pid);
    assert.deepEqual([held.programs.size, held.links.size], [1, 1]);
    const flood = lab.peers[0]!.ping({ count: 1000, intervalMs: 2 });
    await inMidFlood();
    await child.end("SIGKILL");
    assert.equal(await answered(), 5);
    const { received } = await flood;
    assert.ok(received > 0 && received < 1000, `${received} of 1000`);
    await assertGone(held);
  });

  test("SIGKILL in mid-flood, clsact: the next start removes filter and qdisc", async () => {
    const child = await elsewhere(
      `await (await bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } })).attach({ interface: ${JSON.stringify(lab.interface)}, method: "clsact" })`,
    );
    const held = heldBy(child.pid);
    assert.equal(held.programs.size, 1);
    const flood = lab.peers[0]!.ping({ count: 200, intervalMs: 2, timeoutMs: 100 });
    await inMidFlood();
    await child.end("SIGKILL");
    await flood; // unanswered, unless another bpflab starts on this machine meanwhile
    const next = await elsewhere(`await bpf.load("minimal")`); // any start sweeps
    assert.equal(await answered(), 5);
    assert.equal(await clsactOn(lab.interface), false);
    await assertGone(held);
    await next.end("SIGTERM");
  });

  test("clsact: the end of the process by itself leaves nothing", async () => {
    const child = await elsewhere(
      `await (await bpf.load("tc_icmp_filter", { globals: { mode: "drop_all" } })).attach({ interface: ${JSON.stringify(lab.interface)}, method: "clsact" }); process.on("SIGTERM", () => process.exit())`,
    );
    assert.equal(await answered(), 0);
    await child.end("SIGTERM");
    assert.equal(await clsactOn(lab.interface), false);
    assert.equal(await answered(), 5);
  });
});
