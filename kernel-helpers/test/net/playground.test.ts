import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, test } from "node:test";
import { execa } from "execa";
import { ArgumentError, ClosedError, net } from "../../dist/api/index.js";
import { parsePing } from "../../dist/net/ping.js";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";

const index = new URL("../../dist/api/index.js", import.meta.url).href;
const namespaces = async (pid: number, inside: string[] = []) => {
  const [file, ...args] = [...inside, "ip", "netns", "list"];
  return (await execa(file!, args)).stdout.split("\n").filter((line) => line.startsWith(`bpflab-${pid}-`));
};
const interfacesOf = (pid: number) => net.interfaces().filter(({ name }) => name.startsWith(`blab${pid}-`));
/** The kinds of what is written down of this process id. */
const records = async (pid: number, inside: string[] = []) => {
  const [file, ...args] = [...inside, "grep", "-rhoP", `"kind":"\\K\\w+(?=".*"pid":${pid},)`, "/run/bpflab"];
  return (await execa(file!, args, { reject: false })).stdout.split("\n").filter(Boolean).sort();
};
/** What runs on this machine, by its command line. */
const commands = async () => (await execa("ps", ["-eo", "args"])).stdout.split("\n");

/** Neither a namespace nor an interface nor a record of this process id is there. */
async function assertNothingOf(pid: number, inside: string[] = []): Promise<void> {
  assert.deepEqual(await namespaces(pid, inside), []);
  assert.deepEqual(interfacesOf(pid), []);
  assert.deepEqual(await records(pid, inside), []);
}

/** Runs lines with `net` in a process of their own. */
const script = (lines: string) => [
  process.execPath,
  "--input-type=module",
  "-e",
  `import { net } from ${JSON.stringify(index)}; ${lines}`,
];
const sweeps = script("(await net.playground()).close();");

describe("test hosts", () => {
  const owned = childrenUntil(afterEach);
  const labs: net.Playground[] = [];
  const make = async (options?: net.PlaygroundOptions) => {
    const lab = await net.playground(options);
    labs.push(lab);
    return lab;
  };
  afterEach(() => {
    for (const lab of labs.splice(0)) lab.close();
  });

  test("they have addresses of the test ranges, and real ping reaches us from each", async () => {
    const lab = await make({ peers: 3 });
    for (const [i, peer] of lab.peers.entries()) {
      assert.match(peer.ipv4, /^198\.1[89]\.\d+\.\d+$/);
      assert.match(peer.ipv6!, /^2001:db8:/);
      for (const family of [4, 6] as const) {
        const { sent, received, lossPercent, rtt, replies } = await peer.ping({ count: 3 + i, intervalMs: 5, family });
        assert.deepEqual([sent, received, lossPercent, replies.numRows()], [3 + i, 3 + i, 0, 3 + i]);
        assert.ok(rtt!.min_ns > 0 && rtt!.min_ns <= rtt!.mean_ns && rtt!.mean_ns <= rtt!.max_ns);
        assert.deepEqual(replies.array("seq"), [1, 2, 3, 4, 5].slice(0, 3 + i));
      }
    }
    assert.equal(interfacesOf(process.pid).length, 1);
    lab.close();
    lab.close();
    await assertNothingOf(process.pid);
    await assert.rejects(lab.peers[0]!.ping(), ClosedError);
  });

  test("two playgrounds have networks of their own", async () => {
    const [one, two] = await Promise.all([make(), make()]);
    assert.notEqual(one.ipv4, two.ipv4);
    assert.notEqual(one.ipv6, two.ipv6);
    assert.deepEqual(
      await Promise.all(
        [one, two].map(async (lab) => (await lab.peers[0]!.ping({ count: 2, intervalMs: 5 })).received),
      ),
      [2, 2],
    );
  });

  // With a /run of its own: there nobody has made a namespace since the boot.
  const freshRun = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    'while umount -R -l /run/netns 2>/dev/null; do :; done; mount -t tmpfs none /run; exec "$0" "$@"',
  ];
  const onFreshRun = (lines: string) => execa(freshRun[0]!, [...freshRun.slice(1), ...script(lines)]);
  const freshStart = `import { execFileSync } from "node:child_process"; import { readFileSync, readdirSync } from "node:fs";
    const isMounted = () => readFileSync("/proc/self/mounts", "utf8").includes(" /run/netns ");`;

  for (const [machine, before, isThere] of [
    ["that has just booted: none is made", "", false],
    ["where somebody has made namespaces: theirs stays", "add del", true],
  ] as const)
    test(`no mount of /run/netns comes or goes with test hosts, on a machine ${machine}`, async () => {
      const { stdout } = await onFreshRun(`${freshStart}
        for (const verb of ${JSON.stringify(before)}.split(" ").filter(Boolean))
          execFileSync("ip", ["netns", verb, "bpflab-test-other"]);
        const [one, two] = [await net.playground(), await net.playground()];
        const seen = [isMounted()];
        one.close();
        seen.push(isMounted());
        two.close();
        console.log(JSON.stringify([...seen, isMounted(), readdirSync("/run/bpflab"), readdirSync("/run/netns")]));`);
      assert.deepEqual(JSON.parse(stdout), [isThere, isThere, isThere, [], []]);
    });

  test("closing ends what runs on the hosts", async () => {
    const lab = await make();
    const long = lab.peers[0]!.ping({ count: 100_000, intervalMs: 10 });
    const sleeper = lab.peers[0]!.run("sleep", ["600"], { reject: false });
    await lab.peers[0]!.ping({ count: 1 });
    lab.close();
    await assert.rejects(long, ClosedError);
    assert.equal((await sleeper).isTerminated, true);
    await assertNothingOf(process.pid);
  });

  test("a ping can be bounded in time", async () => {
    const lab = await make();
    const started = Date.now();
    const { sent, received } = await lab.peers[0]!.ping({ count: 10_000_000, flood: true, seconds: 1 });
    assert.ok(Date.now() - started < 60_000, "ten million of them");
    assert.ok(sent > 100 && received > 100);
  });

  test("many requests can be sent at once, however long the interval", async () => {
    const lab = await make();
    const { sent, received } = await lab.peers[0]!.ping({ count: 70, preload: 70, intervalMs: 60_000 });
    assert.deepEqual([sent, received], [70, 70]);
  });

  test("wrong arguments are refused with the range", async () => {
    await assert.rejects(net.playground({ peers: 0 }), /peers: expected an integer from 1 to 200, got 0/);
    await assert.rejects(net.playground({ mtu: 100 }), ArgumentError);
    const lab = await make();
    await assert.rejects(lab.peers[0]!.ping({ count: 1.5 }), /count: expected an integer/);
    for (const intervalMs of [0, 0.9, -1, NaN, 3_600_001])
      await assert.rejects(
        lab.peers[0]!.ping({ intervalMs }),
        /intervalMs: expected a number from 1 to 3600000, got .*\nTo ping faster than every millisecond, pass flood: true\./,
      );
  });

  test("the end of the process takes them down, whether it exits or fails", async () => {
    for (const ending of ["process.exit(3)", "throw new Error('wanted')"]) {
      const [file, ...args] = script(`await net.playground({ peers: 2 }); ${ending};`);
      const child = owned(spawn(file!, args, { stdio: "ignore" }));
      await once(child, "close");
      await assertNothingOf(child.pid!);
    }
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${signal} ends a script, its test hosts and what runs on them at once`, async () => {
      const [node, ...args] = script(`const lab = await net.playground();
        lab.peers[0].ping({ count: 1e7, flood: true });
        console.log("ready");`);
      const child = owned(spawn(node!, args, { stdio: ["ignore", "pipe", "ignore"] }));
      await once(child.stdout, "data");
      assert.equal((await namespaces(child.pid!)).length, 2);
      child.kill(signal);
      assert.deepEqual(await once(child, "close"), [null, signal], "it ends by the signal, as whoever sent it expects");
      await assertNothingOf(child.pid!);
    });
  }

  for (const [machine, before] of [
    ["that has just booted", "true"],
    ["that has had namespaces before", "ip netns add first; ip netns del first"],
  ] as const)
    test(`after SIGKILL in mid-flood the next start removes them, and what ran on them is gone: on a machine ${machine}`, async () => {
      const [file, ...args] = [...freshRun, "sh", "-c", `${before}; echo made; exec cat`];
      const holder = owned(spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] }));
      await once(holder.stdout, "data");
      const inside = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`];
      const sweep = () => execa(inside[0]!, [...inside.slice(1), ...sweeps]);
      try {
        const sleeper = `sleep 600.${holder.pid}`;
        const [enter, ...flood] = [
          ...inside,
          ...script(`const lab = await net.playground({ peers: 2 });
            lab.peers[0].ping({ count: 1e7, flood: true });
            lab.peers[1].run("sleep", ["600.${holder.pid}"]);
            console.log("ready");`),
        ];
        const child = owned(spawn(enter!, flood, { stdio: ["ignore", "pipe", "ignore"] }));
        await once(child.stdout, "data");
        assert.equal((await namespaces(child.pid!, inside)).length, 3);
        assert.deepEqual(await records(child.pid!, inside), ["playground"]);
        for (const command of [sleeper, `ping -4 -n -f -c ${1e7}`])
          await until(`${command} runs`, async () => (await commands()).some((one) => one.startsWith(command)));
        child.kill("SIGKILL");
        await once(child, "close");
        await sweep();
        await assertNothingOf(child.pid!, inside);
        assert.equal((await commands()).includes(sleeper), false);
      } finally {
        await sweep(); // if it failed before: what floods there goes on without its owner
      }
    });

  test("what belongs to a living process is left alone", async () => {
    const lab = await make();
    await execa(sweeps[0]!, sweeps.slice(1));
    assert.equal((await lab.peers[0]!.ping({ count: 2, intervalMs: 5 })).received, 2);
  });
});

describe("what ping prints", () => {
  test("replies, counts and times", () => {
    const { replies, ...rest } = parsePing(`PING 198.18.0.1 (198.18.0.1) 56(84) bytes of data.
[1795356507.123456] 64 bytes from 198.18.0.1: icmp_seq=1 ttl=64 time=0.049 ms
[1795356507.223456] 64 bytes from 198.18.0.1: icmp_seq=3 ttl=64 time=12.5 ms

--- 198.18.0.1 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 201ms
rtt min/avg/max/mdev = 0.049/6.274/12.500/6.225 ms`);
    assert.deepEqual(
      { ...rest, lossPercent: Math.round(rest.lossPercent) },
      {
        sent: 3,
        received: 2,
        lossPercent: 33,
        duration_ns: 201e6,
        rtt: { min_ns: 49_000, mean_ns: 6_274_000, max_ns: 12_500_000 },
      },
    );
    assert.deepEqual(replies.array("seq"), [1, 3]);
    assert.deepEqual(replies.array("rtt_ns"), [49_000, 12_500_000]);
    const [first, second] = replies.array("time_ns") as number[];
    assert.ok(Math.abs(second! - first! - 100e6) < 1000);
  });

  test("nothing received, and nothing at all", () => {
    assert.deepEqual(parsePing("5 packets transmitted, 0 received, 100% packet loss, time 4079ms\n\n").rtt, undefined);
    assert.equal(parsePing("5 packets transmitted, 0 received, +3 errors, 100% packet loss").lossPercent, 100);
    assert.equal(parsePing("").sent, 0);
  });
});
