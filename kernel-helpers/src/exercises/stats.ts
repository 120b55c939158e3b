import type { BpfObject } from "../handles/object.js";
import type { EventBatch } from "../streams/batch.js";
import { step, type Step } from "./result.js";
import { missingParts, tryOn, wrongHooks } from "./trial.js";
import type { Worker } from "./writers.js";

const FAST = 64;
const SLOW = 2;
const EVERY = 16;

/** Exercise 4: sums in a map, read from user space, and sent now and then. */
export async function checkStats(object: BpfObject): Promise<Step[]> {
  const missing =
    missingParts(object, { programs: 2, maps: ["stats_map", "rb"], globals: ["my_pid", "every_n"] }) ??
    wrongHooks(object);
  const first = step("stats_map, rb, my_pid and every_n, and two programs on write(2)", 1, missing);
  if (missing !== undefined) return [first, ...later];
  const sent: Record<string, unknown>[] = [];
  let unread: string | undefined;
  let subscription: { unsubscribe(): void } | undefined;
  try {
    subscription = object
      .events("rb")
      .subscribe(({ table }: EventBatch<any>) =>
        sent.push(...(table.objects({ limit: Infinity }) as Record<string, unknown>[])),
      );
  } catch (error) {
    unread = (error as Error).message;
  }
  const globals = object.globals as Record<string, unknown>;
  const before = globals["every_n"];
  globals["every_n"] = EVERY;
  let rows: Record<string, unknown>[] = [];
  try {
    const { pid, workers, otherPid } = await tryOn(object, { threads: 2, fast: FAST, slow: SLOW, bytes: 10 }, () => {
      rows = object.maps["stats_map"]!.table().objects({ limit: Infinity }) as Record<string, unknown>[];
    });
    const mine = rows.filter((row) => row["pid"] === undefined || Number(row["pid"]) === pid);
    return [
      first,
      step("an entry for each descriptor, with the number of writes", 2, wrongCounts(mine, workers)),
      step("the sum and the largest of the durations", 2, wrongSums(mine, workers)),
      step("a record every every_n writes", 2, unread ?? wrongRecords(sent, workers)),
      step(
        "only the watched process",
        1,
        rows.some((row) => Number(row["pid"]) === otherPid)
          ? "Other processes are in stats_map too: compare bpf_get_current_pid_tgid() >> 32 with my_pid."
          : undefined,
      ),
    ];
  } finally {
    subscription?.unsubscribe();
    globals["every_n"] = before;
  }
}

const later: Step[] = (
  [
    ["an entry for each descriptor, with the number of writes", 2],
    ["the sum and the largest of the durations", 2],
    ["a record every every_n writes", 2],
    ["only the watched process", 1],
  ] as const
).map(([name, points]) => step(name, points, "Not checked until the step above passes."));

/** What the workload did with each descriptor. */
function perDescriptor(workers: readonly Worker[]): Map<number, { writes: number; longest: number; total: number }> {
  const all = new Map<number, { writes: number; longest: number; total: number }>();
  for (const { fd, before, after } of workers.flatMap(({ writes }) => writes)) {
    const one = all.get(fd) ?? { writes: 0, longest: 0, total: 0 };
    all.set(fd, {
      writes: one.writes + 1,
      longest: Math.max(one.longest, after - before),
      total: one.total + after - before,
    });
  }
  return all;
}

const rowOf = (rows: readonly Record<string, unknown>[], fd: number) => rows.find((row) => Number(row["fd"]) === fd);

function wrongCounts(rows: readonly Record<string, unknown>[], workers: readonly Worker[]): string | undefined {
  const made = perDescriptor(workers);
  if (rows.length === 0)
    return "stats_map is empty after the workload: does the exit program put an entry in when the lookup finds none?";
  if (rows[0]!["fd"] === undefined || rows[0]!["writes"] === undefined)
    return `The columns of stats_map are ${Object.keys(rows[0]!).join(", ")}: the check looks for pid and fd in the key, and writes, total_ns and max_ns in the value.`;
  for (const [fd, { writes }] of made) {
    const row = rowOf(rows, fd);
    if (!row)
      return `The descriptor ${fd} has no entry: is the descriptor (ctx->args[0] at sys_enter_write) part of the key?`;
    const counted = Number(row["writes"]);
    if (counted === writes) continue;
    if (counted === 1 && writes > 1)
      return `writes is 1 for a descriptor with ${writes}: does an update put a new entry in place of what was counted? Add to what the lookup finds.`;
    if (counted === 0) return "writes is 0: the entry is there, and nothing is added to it.";
    return counted < writes
      ? `writes is ${counted} for a descriptor with ${writes}: is the first write, which makes the entry, counted too; and do two CPUs that add at once use __sync_fetch_and_add?`
      : `writes is ${counted} for a descriptor with ${writes}: is each call counted once, at its end?`;
  }
  return undefined;
}

function wrongSums(rows: readonly Record<string, unknown>[], workers: readonly Worker[]): string | undefined {
  let largest = 0;
  for (const [fd, { writes, longest, total }] of perDescriptor(workers)) {
    const row = rowOf(rows, fd);
    if (!row) return "There is no entry to look at.";
    const [sum, most] = [Number(row["total_ns"]), Number(row["max_ns"])];
    if (!Number.isFinite(sum) || !Number.isFinite(most)) return "The value needs the fields total_ns and max_ns.";
    if (most === 0) return "max_ns is 0: is the largest duration kept (if (ns > s->max_ns) s->max_ns = ns;)?";
    if (sum > total * 1.01)
      return "total_ns is more than the calls took together: is it the end minus the beginning, in ns?";
    if (most > longest) return "max_ns is longer than any call took.";
    largest = Math.max(largest, most);
    if (sum < most || (writes > 10 && sum === most))
      return "total_ns is not the sum: is each duration added to it, also the first?";
  }
  if (largest < 10e6)
    return "max_ns is less than the longest call, which waited 30 ms: is it only set once, or the smallest?";
  return undefined;
}

function wrongRecords(sent: readonly Record<string, unknown>[], workers: readonly Worker[]): string | undefined {
  const expected = [...perDescriptor(workers).values()].reduce(
    (all, { writes }) => all + Math.floor(writes / EVERY),
    0,
  );
  if (sent.length === 0) return `No record came, with every_n at ${EVERY}: is it sent when writes % every_n is 0?`;
  const made = workers.flatMap(({ writes }) => writes).length;
  if (sent.length >= made)
    return `${sent.length} records came from ${made} writes: one is asked for with every ${EVERY} of a descriptor (every_n).`;
  const off = sent.find((row) => Number(row["writes"]) % EVERY !== 0);
  if (off)
    return `A record says writes = ${String(off["writes"])}, which ${EVERY} (every_n) does not divide: is it sent when the entry has been counted up?`;
  return sent.length === expected
    ? undefined
    : `${sent.length} records came, where ${expected} are due: one with every ${EVERY} writes of each descriptor.`;
}
