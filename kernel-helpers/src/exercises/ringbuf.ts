import type { BpfObject } from "../handles/object.js";
import type { EventBatch } from "../streams/batch.js";
import { step, type Step } from "./result.js";
import { end, missingParts, notReturned, tryOn, wrongDurations, wrongHooks, type Ending, type Trial } from "./trial.js";

/** The functions that exercise 3 asks for: each is called with what to do, and returns what ends it. */
export interface RingbufHandlers {
  /** Calls back once for each event. */
  each?: (act: (event: Record<string, unknown>) => void) => Ending;
  /** Calls back with how many events came, once for each batch. */
  batches?: (act: (rows: number) => void) => Ending;
}

const recordFields = ["pid", "tid", "fd", "ret", "duration_ns", "comm"];
const FAST = 60;
const SLOW = 2;
/** Writes of nothing, and as many that fail: a call each, all the same. */
const IDLE = 3;

const later = (points: readonly [string, number][]) =>
  points.map(([name, of]) => step(name, of, "Not checked until the step above passes."));

const asked: [string, number][] = [
  ["one record for each write", 2],
  ["each field says what it is called", 2],
  ["the duration is that of the call", 1],
  ["only the watched process", 1],
];

/** Exercise 3: a record for each write, and two ways to handle them in TypeScript. */
export async function checkRingbuf(object: BpfObject, handlers: RingbufHandlers = {}): Promise<Step[]> {
  const missing = missingParts(object, { programs: 2, maps: ["rb"] }) ?? wrongHooks(object) ?? notRead(object);
  const first = step("a ring buffer rb, and two programs on write(2)", 1, missing);
  if (missing !== undefined) return [first, ...later(asked), ...(await checkHandlers(undefined, handlers))];
  const rows: Record<string, unknown>[] = [];
  const subscription = object
    .events("rb")
    .subscribe(({ table }: EventBatch<any>) =>
      rows.push(...(table.objects({ limit: Infinity }) as Record<string, unknown>[])),
    );
  let counted: Step[] = [];
  const trial = await tryOn(object, { threads: 2, fast: FAST, slow: SLOW, idle: IDLE, bytes: 10 }).finally(() =>
    subscription.unsubscribe(),
  );
  counted = await checkHandlers(object, handlers);
  const tids = new Set(trial.workers.map(({ tid }) => tid));
  const others = new Set(trial.others.map(({ tid }) => tid));
  // By whichever of both numbers is right, so that a field that is wrong is not taken for a record that is missing.
  const belongs = (row: Record<string, unknown>, to: ReadonlySet<number>) =>
    to.has(Number(row["tid"])) || to.has(Number(row["pid"]));
  const mine = rows.filter((row) => !belongs(row, others) || belongs(row, new Set([...tids, trial.pid])));
  const made = tids.size * (FAST + SLOW + 2 * IDLE);
  const wrong = mine.length === 0 ? "There is no record to look at." : undefined;
  return [
    first,
    step("one record for each write", 2, wrongCount(mine.length, made)),
    step("each field says what it is called", 2, wrong ?? wrongFields(mine, trial)),
    step("the duration is that of the call", 1, wrong ?? wrongTimes(mine, trial)),
    step(
      "only the watched process",
      1,
      rows.length > mine.length
        ? "Writes of other processes are in the ring too: compare bpf_get_current_pid_tgid() >> 32 with my_pid."
        : undefined,
    ),
    ...counted,
  ];
}

function notRead(object: BpfObject): string | undefined {
  try {
    const record = object.ring("rb").records[0]?.layout;
    object.events("rb");
    const names = record?.kind === "struct" ? record.fields.map((one) => one.name) : [];
    const field = recordFields.find((name) => !names.includes(name));
    return field === undefined || names.length === 0
      ? undefined
      : `The record has no field ${field}: the check looks for ${recordFields.join(", ")}.`;
  } catch (error) {
    return (error as Error).message;
  }
}

function wrongCount(records: number, made: number): string | undefined {
  if (records === 0)
    return `${made} writes gave no record: is each one submitted (bpf_ringbuf_submit), not discarded, and does the exit program find what the other one noted?`;
  const idle = (made * 2 * IDLE) / (FAST + SLOW + 2 * IDLE);
  if (records === made - idle || records === made - idle / 2)
    return `${records} records came from ${made} writes: those that wrote nothing or failed are missing. Each call is to give one, whatever it returned.`;
  if (records < made)
    return `${records} records came from ${made} writes: is the note kept by thread, and is the ring large enough?`;
  return records > made
    ? `${records} records came from ${made} writes: which program submits more than once a call?`
    : undefined;
}

function wrongFields(rows: readonly Record<string, unknown>[], { pid, workers }: Trial): string | undefined {
  const tids = new Set(workers.map(({ tid }) => tid));
  const fds = new Set(workers.flatMap((worker) => [worker.null, worker.pipe, worker.readOnly]));
  const all = (name: string, test: (value: number) => boolean) => rows.every((row) => test(Number(row[name])));
  if (all("pid", (value) => tids.has(value)) && all("tid", (value) => value === pid))
    return "pid and tid are the wrong way round: the upper half of bpf_get_current_pid_tgid() is the process (pid here), the lower half the thread.";
  if (!all("pid", (value) => value === pid))
    return "pid is not the process's number: that is bpf_get_current_pid_tgid() >> 32.";
  if (!all("tid", (value) => tids.has(value)))
    return "tid is not the thread's number: that is the lower half, (u32)bpf_get_current_pid_tgid().";
  if (!all("fd", (value) => fds.has(value)))
    return `fd is not the descriptor: that is the first argument of the call, ctx->args[0] at sys_enter_write${all("fd", (value) => value === 0) ? "; here it is 0, as if it were never filled in" : ""}.`;
  const returned = new Set(workers.flatMap(({ writes }) => writes.map(({ bytes }) => bytes)));
  if (!all("ret", (value) => returned.has(value)) || all("ret", (value) => value === 0))
    return `ret is not what the call returned: that is ctx->ret at sys_exit_write${all("ret", (value) => value === 0) ? "; here it is 0, as if it were never filled in" : ""}.`;
  if (rows.some(({ comm }) => typeof comm !== "string" || !comm.startsWith("python")))
    return "comm is not the thread's name: bpf_get_current_comm(&e->comm, sizeof(e->comm)) fills it in.";
  return undefined;
}

function wrongTimes(rows: readonly Record<string, unknown>[], { workers }: Trial): string | undefined {
  const pairs = workers.flatMap(({ tid, writes }) => {
    const said = rows.filter((row) => Number(row["tid"]) === tid).map((row) => Number(row["duration_ns"]));
    return said.length === writes.length ? writes.map((write, i) => ({ said: said[i]!, write })) : [];
  });
  return pairs.length === 0 ? "The records cannot be told apart by thread: see the step above." : wrongDurations(pairs);
}

async function checkHandlers(object: BpfObject | undefined, { each, batches }: RingbufHandlers): Promise<Step[]> {
  if (each === undefined && batches === undefined) return []; // the check of the C alone
  const names = ["each event handled by itself", "events handled in batches"] as const;
  if (!object) return names.map((name) => step(name, 1, "Not checked until records arrive."));
  const [events, sizes]: [Record<string, unknown>[], number[]] = [[], []];
  const endings = [each?.((event) => events.push(event)), batches?.((rows) => sizes.push(rows))] as const;
  // Some of them so far apart that they come in several batches.
  const { workers } = await tryOn(object, { fast: 200, slow: 5, slowMs: 80 }).finally(() => endings.forEach(end));
  const made = workers.flatMap(({ writes }) => writes).length;
  const sum = sizes.reduce((all, one) => all + one, 0);
  return [
    step(
      names[0],
      1,
      each === undefined
        ? "Give the check the function each."
        : events.length === made
          ? notReturned("each", endings[0])
          : events.length > 0 && events.length < made
            ? `${events.length} calls came for ${made} events: a batch has many rows, and each of them is an event (batch.table.objects()).`
            : `${events.length} calls came for ${made} events.`,
    ),
    step(
      names[1],
      1,
      batches === undefined
        ? "Give the check the function batches."
        : sum !== made
          ? wrongSizes(sizes, made)
          : sizes.length >= made
            ? 'There was a call for each event: events("rb") already comes in batches, some 30 a second.'
            : notReturned("batches", endings[1]),
    ),
  ];
}

function wrongSizes(sizes: readonly number[], made: number): string {
  const grows = sizes.length > 1 && sizes.at(-1) === made && sizes.every((size, i) => size > (sizes[i - 1] ?? 0));
  return grows
    ? `act was called with ${sizes.join(", ")}: these are the events up to then. Each call is to say how many are in that batch alone, batch.rows.`
    : `The batches add up to ${sizes.reduce((all, one) => all + one, 0)} events of ${made}: batch.rows says how many there are in one.`;
}
