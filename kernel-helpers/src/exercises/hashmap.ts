import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";
import { tracePipe, tracePipeRead, type TraceLine } from "../streams/trace-pipe.js";
import { step, type Step } from "./result.js";
import { missingParts, tryOn, wrongDurations, wrongHooks } from "./trial.js";

const FAST = 40;
const SLOW = 2;
/** How long it waits for lines on a machine where much else is printed. */
const READ_MS = 5000;

/** Exercise 2: the time of each write, from a program at its beginning and one at its end. */
export async function checkHashmap(object: BpfObject): Promise<Step[]> {
  const map = Object.values<BpfMap>(object.maps).find(({ type }) => type.includes("hash"));
  const missing = missingParts(object, { programs: 2, maps: [] }) ?? wrongHooks(object);
  const first = step("two programs, on the beginning and on the end of the call", 1, missing);
  if (missing !== undefined) return [first, ...skipped];
  const lines: TraceLine[] = [];
  const subscription = tracePipe().subscribe((line) => lines.push(line));
  // What was there before may be of calls that were under way when it was taken off its hooks.
  // An array, or a task's storage, has nothing that could be left in it.
  const keys = () => map?.entries().map(([key]) => JSON.stringify(key)) ?? [];
  const before = new Set(keys());
  let [left, isRead] = [0, true];
  const { workers, others } = await tryOn(object, { threads: 2, fast: FAST, slow: SLOW, slowMs: 40 }, async () => {
    isRead = await tracePipeRead(READ_MS);
    left = keys().filter((key) => !before.has(key)).length;
  }).finally(() => subscription.unsubscribe());
  const tids = new Set(workers.map(({ tid }) => tid));
  const printed = (of: ReadonlySet<number>) =>
    lines.filter(({ pid }) => of.has(pid)).map(({ message }) => durationIn(message));
  const mine = printed(tids);
  const made = tids.size * (FAST + SLOW);
  const durations = mine.filter((duration) => duration !== undefined);
  const foreign = printed(new Set(others.map(({ tid }) => tid))).length;
  return [
    first,
    step(
      "a line with the duration for each write",
      2,
      (isRead && lines.every(({ lost }) => lost === 0)) || mine.length >= made
        ? wrongLines(mine.length, durations.length, made, left)
        : TOO_MANY,
    ),
    step(
      "the duration is that of the call",
      2,
      durations.length === 0
        ? "There is no duration to look at."
        : wrongDurations(
            workers.flatMap(({ tid, writes }) => {
              const said = lines.filter(({ pid }) => pid === tid).flatMap(({ message }) => durationIn(message) ?? []);
              return said.length === writes.length
                ? writes.map((write, i) => ({ said: said[i]!, write }))
                : said.map((one) => ({ said: one, write: writes.at(-1)! }));
            }),
          ),
    ),
    step(
      "nothing is left in the map",
      1,
      left === 0
        ? undefined
        : `The map ${map!.name} still holds ${left} ${left === 1 ? "entry" : "entries"} after all writes have ended: it grows until it is full. Does the exit program delete what it found (bpf_map_delete_elem)?`,
    ),
    step(
      "only the watched process",
      1,
      foreign === 0
        ? undefined
        : "Writes of other processes are printed too: compare bpf_get_current_pid_tgid() >> 32 with my_pid.",
    ),
  ];
}

const skipped: Step[] = [
  step("a line with the duration for each write", 2, "Not checked until the step above passes."),
  step("the duration is that of the call", 2, "Not checked until the steps above pass."),
  step("nothing is left in the map", 1, "Not checked until the steps above pass."),
  step("only the watched process", 1, "Not checked until the steps above pass."),
];

/** The number before `ns`, else the last number of a line. */
function durationIn(message: string): number | undefined {
  const text = /(-?\d+)\s*ns\b/.exec(message)?.[1] ?? /(-?\d+)(?!.*\d)/.exec(message)?.[1];
  return text === undefined ? undefined : Number(text);
}

const TOO_MANY =
  "Other programs on this machine print so much at the same time (bpf_printk) that lines were lost: run the check again when they have ended.";

function wrongLines(lines: number, durations: number, made: number, left: number): string | undefined {
  if (lines === 0)
    return left > 0
      ? `The entries are in the map (${left}), and no line is printed: does the exit program look up the same key that the other one used, and print what it finds?`
      : `${made} writes of the process my_pid gave no line: is each program filtered by my_pid as the process's number, and does the exit program print with bpf_printk?`;
  if (durations === 0) return 'The lines have no number: print the duration, such as bpf_printk("took %llu ns", ns).';
  if (lines < made)
    return `${lines} lines came from ${made} writes. Two threads of one process write at once: a key that both have (the process's number) lets one overwrite the other's entry. The whole of bpf_get_current_pid_tgid() is a key for each thread.`;
  return lines > made
    ? `${lines} lines came from ${made} writes: which program prints more than once a call?`
    : undefined;
}
