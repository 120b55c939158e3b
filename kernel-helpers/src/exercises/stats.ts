import type { BpfObject } from "../handles/object.js";
import type { EventBatch } from "../streams/batch.js";
import { step, type Step } from "./result.js";
import { end, missingParts, notReturned, tryOn, wrongHooks, type Ending } from "./trial.js";
import type { Worker } from "./writers.js";

const FAST = 70; // of no two descriptors together a multiple of EVERY
const SLOW = 2;
const SLOW_MS = 60;
const EVERY = 16;

/** The functions that exercise 4 asks for, one for each way to user space. */
export interface StatsHandlers {
  /** How often a process wrote to each of its descriptors, from the map. */
  writesOf?: (pid: number) => Map<number, number>;
  /** Calls back once for each record from the ring; returns what ends it. */
  eachRecord?: (act: (record: Record<string, unknown>) => void) => Ending;
}

/** Exercise 4: sums in a map, read from user space, and sent now and then. */
export async function checkStats(object: BpfObject, { writesOf, eachRecord }: StatsHandlers = {}): Promise<Step[]> {
  const missing =
    missingParts(object, { programs: 2, maps: ["stats_map", "rb"], globals: ["my_pid", "every_n"] }) ??
    wrongHooks(object);
  const first = step("stats_map, rb, my_pid and every_n, and two programs on write(2)", 1, missing);
  const asked = writesOf !== undefined || eachRecord !== undefined;
  if (missing !== undefined) return [first, ...later, ...(asked ? laterHandlers : [])];
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
  const heard: Record<string, unknown>[] = [];
  let answer: unknown;
  let ending: Ending = undefined;
  try {
    ending = eachRecord?.((record) => void heard.push(record));
    const workload = { threads: 2, fast: FAST, slow: SLOW, slowMs: SLOW_MS, bytes: 10 };
    const { pid, workers, otherPid } = await tryOn(object, workload, (watched) => {
      if (writesOf) answer = withAnother(object, watched, () => writesOf(watched));
      rows = object.maps["stats_map"]!.table().objects({ limit: Infinity }) as Record<string, unknown>[];
    });
    const mine = rows.filter((row) => row["pid"] === undefined || Number(row["pid"]) === pid);
    const wrongPid = mine.length === 0 ? otherPids(rows, pid) : undefined;
    return [
      first,
      step("an entry for each descriptor, with the number of writes", 2, wrongPid ?? wrongCounts(mine, workers)),
      step("the sum and the largest of the durations", 2, wrongSums(mine, workers)),
      step("a record every every_n writes", 2, unread ?? wrongRecords(sent, workers, pid)),
      step(
        "only the watched process",
        1,
        rows.some((row) => Number(row["pid"]) === otherPid)
          ? "Other processes are in stats_map too: compare bpf_get_current_pid_tgid() >> 32 with my_pid."
          : undefined,
      ),
      ...(asked
        ? [
            step(READS, 1, wrongAnswer(writesOf && answer, mine, pid)),
            step(
              LISTENS,
              1,
              eachRecord
                ? (wrongHeard(heard.length, sent.length) ?? notReturned("eachRecord", ending))
                : "Give the check the function eachRecord.",
            ),
          ]
        : []),
    ];
  } finally {
    end(ending);
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

const READS = "writesOf reads the map";
const LISTENS = "eachRecord handles each record";
const laterHandlers = [READS, LISTENS].map((name) => step(name, 1, "Not tried before the program has its parts."));

/** What `read` returns while the map has an entry of another process, too. */
function withAnother(object: BpfObject, pid: number, read: () => unknown): unknown {
  const map = object.maps["stats_map"]!;
  const [key, value] =
    (map.entries() as [Record<string, unknown>, unknown][]).find(([one]) => one["pid"] === pid) ?? [];
  if (key === undefined) return read();
  const another = { ...key, pid: 1, fd: 1000 };
  map.set(another, value);
  try {
    return read();
  } finally {
    map.delete(another);
  }
}

/** Whose entries are in the map, when none is the watched process's. */
function otherPids(rows: readonly Record<string, unknown>[], pid: number): string | undefined {
  if (rows.length === 0) return undefined;
  const said = [...new Set(rows.map((row) => String(row["pid"])))].slice(0, 3).join(", ");
  return `stats_map has ${rows.length} entries, and none of the process ${pid}: pid in their keys is ${said}. The process is the upper half, id >> 32; the lower half is the thread.`;
}

/** What the student's function says of the map, beside what is in it. */
function wrongAnswer(answer: unknown, rows: readonly Record<string, unknown>[], pid: number): string | undefined {
  if (answer === undefined) return "Give the check the function writesOf, which returns a Map.";
  if (!(answer instanceof Map)) return "writesOf returns no Map: make one with new Map<number, number>().";
  if (rows.length === 0) return "stats_map has no entry of the watched process: there is nothing to read.";
  if (answer.size === 0)
    return "The Map is empty, and stats_map is not: stats.maps.stats_map.entries() has its entries.";
  if (answer.has(pid) && !rows.some((row) => Number(row["fd"]) === pid))
    return "The Map is by process: it is to be by descriptor, counts.set(key.fd, …).";
  const ofOthers =
    "The Map counts an entry of another process, which stats_map has too: take only those whose key.pid is pid.";
  if (answer.size > rows.length) return ofOthers;
  const off = rows.find((row) => answer.get(Number(row["fd"])) !== Number(row["writes"]));
  return (
    off &&
    `For the descriptor ${String(off["fd"])} the Map says ${String(answer.get(Number(off["fd"])))}, and the map ${String(off["writes"])}: the key is key.fd, the value value.writes.`
  );
}

function wrongHeard(heard: number, sent: number): string | undefined {
  if (sent === 0) return "No record came that it could handle.";
  if (heard === sent) return undefined;
  return heard > 0 && heard < sent
    ? `${heard} calls came for ${sent} records: a batch has many rows, and each of them is a record (batch.table.objects()).`
    : `${heard} calls came for ${sent} records.`;
}

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
    if (counted > 1e9)
      return `writes is ${counted} for a descriptor with ${writes}: a new entry begins with what happened to be in memory. Begin with zeros, struct stats none = {};.`;
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
  if (largest < (SLOW_MS / 2) * 1e6)
    return `max_ns is less than the longest call, which waited ${SLOW_MS} ms: is it only set once, or the smallest, or the last one?`;
  return undefined;
}

function wrongRecords(
  sent: readonly Record<string, unknown>[],
  workers: readonly Worker[],
  pid: number,
): string | undefined {
  const expected = [...perDescriptor(workers).values()].reduce(
    (all, { writes }) => all + Math.floor(writes / EVERY),
    0,
  );
  if (sent.length === 0) return `No record came, with every_n at ${EVERY}: is it sent when writes % every_n is 0?`;
  const writes = workers.flatMap((worker) => worker.writes).length;
  if (sent.length >= writes)
    return `${sent.length} records came from ${writes} writes: one is asked for with every ${EVERY} of a descriptor (every_n).`;
  if (sent.some((row) => Number(row["writes"]) === 0))
    return "A record says writes = 0: it is sent before its write is counted. Add first, then send.";
  const off = sent.find((row) => Number(row["writes"]) % EVERY !== 0);
  if (off)
    return `A record says writes = ${String(off["writes"])}, which ${EVERY} (every_n) does not divide: is it sent after the write has been counted, and with every ${EVERY} of its descriptor (s->writes), not of all together?`;
  const made = perDescriptor(workers);
  for (const row of sent) {
    const [process, fd] = ["pid", "fd"].map((name) => row[`key.${name}`] ?? row[name]);
    if (process !== undefined && (Number(process) !== pid || !made.has(Number(fd))))
      return `A record is of process ${String(process)} and descriptor ${String(fd)}, which are not the write's: fill in its key, r->key = key.`;
  }
  const [sum, most] = [
    sent.some((row) => !(Number(row["total_ns"]) > 0)),
    sent.some((row) => !(Number(row["max_ns"]) > 0)),
  ];
  if (sum || most) return `${sum ? "total_ns" : "max_ns"} of a record is 0: fill in all of its fields.`;
  return sent.length === expected
    ? undefined
    : `${sent.length} records came, where ${expected} are due: one with every ${EVERY} writes of each descriptor.`;
}
