/** The shipped programs, each against a count that the workload knows exactly. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { bpf, collect, net, type BpfObject } from "../../dist/api/index.js";
import { whyTracepoints } from "../../dist/bpf/link/system-calls.js";
import { until } from "../workload/until.js";
import { buildWriters, type Writers } from "../workload/writers.js";
import { feature } from "./feature.js";

const WRITES = 20_000;

/** How many lines of the trace pipe come of so many writes. */
async function traced(name: "minimal" | "hashmap", writes: number): Promise<number> {
  const dd = `read line; exec dd if=/dev/zero of=/dev/null bs=1 count=${writes} status=none`;
  const child = spawn("sh", ["-c", dd], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = once(child, "close");
  const object = await bpf.load(name as "minimal", { globals: { watched_pid: child.pid! } });
  await object.attach();
  let lines = 0;
  const subscription = bpf.tracePipe().subscribe(({ pid }) => void (lines += Number(pid === child.pid)));
  child.stdin.end("go\n");
  await ended;
  await until("all lines have come", () => lines >= writes).catch(() => {}); // how many there are tells more
  await sleep(100); // and none too many
  subscription.unsubscribe();
  return lines;
}

/** What the programs of an object are on, in a word: tracepoint, fentry … */
const hooksOf = (object: BpfObject): string =>
  [...new Set(Object.values(object.programs).map((program) => program.where?.split(" ")[0]))].join(", ");

type Start = (writes: number) => Writers;

async function ringbuf(start: Start): Promise<string> {
  const writers = start(WRITES);
  const object = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
  const table = await collect(object.events("rb"), { until: () => writers.run() });
  assert.equal(table.numRows(), WRITES);
  assert.deepEqual([...new Set(table.array("comm") as string[])], ["writers"]);
  assert.deepEqual([...new Set(table.array("ret") as number[])], [1]);
  return hooksOf(object as unknown as BpfObject);
}

async function stats(start: Start): Promise<string> {
  const writers = start(WRITES);
  const object = await (await bpf.load("stats", { globals: { watched_pid: writers.pid } })).attach();
  await writers.run();
  const rows = object.maps.stats_map.table().objects() as { pid: number; writes: number; written_bytes: number }[];
  const ours = rows
    .filter(({ pid }) => pid === writers.pid)
    .map(({ writes, written_bytes }) => [writes, written_bytes]);
  assert.deepEqual(ours, [[WRITES, WRITES]]);
  return hooksOf(object as unknown as BpfObject);
}

async function statsRecords(start: Start): Promise<void> {
  const writers = start(1000);
  const object = await (await bpf.load("stats", { globals: { watched_pid: writers.pid, every_n: 100 } })).attach();
  const table = await collect(object.events("rb"), { until: () => writers.run() });
  assert.equal(table.numRows(), 10, "no records: a program adds up what other CPUs counted since Linux 5.19");
}

/** What ringbuf adds to a write by fentry and fexit, beside what it adds by tracepoints: the least of several runs each. */
async function fentryCost(start: Start): Promise<string> {
  assert.equal(whyTracepoints(), undefined, `Tracepoints, for ${whyTracepoints()}.`);
  const time = async (constants?: { syscall_by_fentry: boolean }): Promise<number> => {
    const writers = start(WRITES);
    const object = constants && (await bpf.load("ringbuf", { constants, globals: { watched_pid: writers.pid } }));
    await object?.attach();
    const [report] = await writers.run();
    object?.close();
    return report!.shortest_ns;
  };
  const least = { none: Infinity, fentry: Infinity, tracepoints: Infinity };
  for (let round = 0; round < 3; round++) {
    least.none = Math.min(least.none, await time());
    least.fentry = Math.min(least.fentry, await time({ syscall_by_fentry: true }));
    least.tracepoints = Math.min(least.tracepoints, await time({ syscall_by_fentry: false }));
  }
  const [fentry, tracepoints] = [least.fentry - least.none, least.tracepoints - least.none];
  return `${(fentry / tracepoints).toFixed(2)} of the tracepoints' cost`;
}

/** 120 requests in each family against a threshold of 50. @returns where the filter hangs */
async function icmpFilter(method?: "tcx" | "clsact"): Promise<string> {
  const lab = await net.playground();
  try {
    const filter = await bpf.load("tc_icmp_filter");
    await filter.attach({ interface: lab.interface, ...(method ? { method } : {}) });
    const by = String(filter.programs.icmp_filter.hook?.["method"]);
    Object.assign(filter.globals, { mode: "filter", threshold: 50, block_seconds: 0 });
    const [peer] = lab.peers;
    for (const family of [4, 6] as const) {
      const { sent, received } = await peer!.ping({ count: 120, flood: true, family, timeoutMs: 500 });
      assert.deepEqual([sent, received], [120, 50], `IPv${family}`);
    }
    filter.close();
    assert.equal((await peer!.ping({ count: 20, intervalMs: 5 })).received, 20);
    return by;
  } finally {
    lab.close();
  }
}

/** Tries them all. */
export async function tryShipped(): Promise<void> {
  const workload = await buildWriters();
  const start: Start = (writes) => workload.start({ writes });
  try {
    await feature("minimal", async () => assert.equal(await traced("minimal", 50), 50));
    await feature("hashmap", async () => assert.equal(await traced("hashmap", 200), 200));
    await feature("ringbuf", () => ringbuf(start));
    await feature("system calls by fentry", () => fentryCost(start));
    await feature("stats", () => stats(start));
    await feature("stats, records", () => statsRecords(start));
    await feature("tc_icmp_filter", () => icmpFilter());
    for (const method of ["tcx", "clsact"] as const)
      await feature(`tc_icmp_filter, ${method}`, async () => void (await icmpFilter(method)));
  } finally {
    await workload.remove();
  }
}
