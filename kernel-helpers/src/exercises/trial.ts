/** Runs a student's program on a workload, and leaves it as it was. */
import type { BpfObject } from "../handles/object.js";
import { SLOW_BYTES, startWriters, type Worker, type Writers, type WritersOptions } from "./writers.js";

/** The workload that is watched, and what others did meanwhile, which must not be seen. */
export interface Trial {
  pid: number;
  workers: Worker[];
  others: Worker[];
  otherPid: number;
}

/** What a student's function returns that listens to something: how to end that. */
export type Ending = { unsubscribe(): void } | (() => void) | void;

export function end(ending: Ending): void {
  if (typeof ending === "function") ending();
  else ending?.unsubscribe();
}

/** What is wrong with a function that listens and returns nothing to end that by. */
export function notReturned(name: string, ending: Ending): string | undefined {
  return ending === undefined
    ? `${name} returns nothing, so that nobody can end what it began: return the subscription, return ….subscribe(…).`
    : undefined;
}

const SETTLE_MS = 300;

/**
 * Attaches the program, points its global `my_pid` to a workload, and runs that beside another process.
 *
 * @param settled called at the end with the workload's process, while the program is still attached
 */
export async function tryOn(
  object: BpfObject,
  options: WritersOptions,
  settled?: (pid: number) => void | Promise<void>,
): Promise<Trial> {
  const globals = object.globals as Record<string, unknown>;
  const [wasAttached, before] = [object.attached, "my_pid" in globals ? globals["my_pid"] : undefined];
  const started: Writers[] = [];
  try {
    started.push(await startWriters(options), await startWriters({ fast: 20 }));
    const [watched, other] = started as [Writers, Writers];
    if (before !== undefined) globals["my_pid"] = watched.pid;
    await object.attach();
    const [workers, others] = await Promise.all([watched.run(), other.run()]);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS)); // the pipe and the ring are read some times a second
    await settled?.(watched.pid);
    return { pid: watched.pid, workers, others, otherPid: other.pid };
  } finally {
    if (!wasAttached) object.detach();
    if (before !== undefined) globals["my_pid"] = before;
    await Promise.all(started.map((one) => one.end()));
  }
}

/** What is missing from a program that this check needs: undefined when all is there. */
export function missingParts(
  object: BpfObject,
  { programs, maps, globals = ["my_pid"] }: { programs: number; maps: string[]; globals?: string[] },
): string | undefined {
  const map = maps.find((name) => !(name in object.maps));
  if (map !== undefined) return `There is no map called ${map}: the check looks for it by that name.`;
  const variable = globals.find((name) => !(name in object.globals));
  if (variable !== undefined)
    return `There is no global called ${variable} that can be set: declare it without static and const, such as u32 ${variable} = 0; and use it.`;
  if (Object.keys(object.programs).length < programs)
    return "There is only one program: does the second function have its SEC()?";
  return undefined;
}

/** Of write(2) alone, or of all calls: then the program looks at the call's number itself. */
const onWrite = /sys_(?:enter|exit)_write$|^(?:tp_btf|raw_tp|raw_tracepoint)\/sys_(?:enter|exit)$|(?:sys|vfs)_write$/;

/** What is wrong with the hooks of a pair of programs: undefined when one is on the beginning of write(2) and one on its end. */
export function wrongHooks(object: BpfObject): string | undefined {
  const hooks = Object.values<{ name: string; section: string }>(object.programs);
  const on = (hook: RegExp) => hooks.filter(({ section }) => hook.test(section)).map(({ name }) => name);
  const [entering, leaving] = [
    on(/sys_enter|^(?:fentry|kprobe|ksyscall)\b/),
    on(/sys_exit|^(?:fexit|kretprobe|kretsyscall)\b/),
  ];
  if (leaving.length === 0 && entering.length > 1)
    return `${entering.join(" and ")} are both on the beginning of the call (sys_enter_write): the time from there to there is not the call's. One belongs on tp/syscalls/sys_exit_write.`;
  if (entering.length === 0 && leaving.length > 1)
    return `${leaving.join(" and ")} are both on the end of the call (sys_exit_write): one belongs on tp/syscalls/sys_enter_write.`;
  if (entering.length === 0) return "No program is on the beginning of the call: tp/syscalls/sys_enter_write.";
  if (leaving.length === 0) return "No program is on the end of the call: tp/syscalls/sys_exit_write.";
  const other = hooks.find(({ section }) => !onWrite.test(section));
  return (
    other &&
    `${other.name} is on ${other.section}, which is not write(2): tp/syscalls/sys_enter_write and sys_exit_write are.`
  );
}

/** How measured durations of writes that took known times are wrong; undefined when they are right. */
export function wrongDurations(
  pairs: readonly { said: number; write: Worker["writes"][number] }[],
): string | undefined {
  const of = (count: number) => `for ${count} of ${pairs.length} writes`;
  const count = (test: (said: number, took: number, write: Worker["writes"][number]) => boolean) =>
    pairs.filter(({ said, write }) => test(said, write.after - write.before, write)).length;
  const isNear = (a: number, b: number) => Math.abs(a - b) < 10e9;
  const negative = count((said) => said < 0 || said > 2 ** 62);
  if (negative > 0)
    return `The duration is negative ${of(negative)}: it is the time at the end minus the time at the beginning.`;
  const uptime = count((said, _took, { after }) => isNear(said, after) && said > 10e9);
  const begun = count((said, took, { before, after }) => took > 10e6 && said >= before && said < after - took / 2);
  // A thread that loses its CPU behind the call looks as if the call had ended long before.
  const waited = count((_said, took) => took > 10e6);
  if (uptime > 0 && begun > waited / 2)
    return `The duration is the time when the call began ${of(uptime)}, not what it took: subtract that from bpf_ktime_get_ns().`;
  if (uptime > 0)
    return `The duration is the time since the machine started ${of(uptime)}, as if the call had begun at 0: ${
      uptime < pairs.length / 2
        ? "has another thread's write taken what this one had left? Each thread needs an entry of its own, such as by the whole of bpf_get_current_pid_tgid()."
        : "is the time taken before the entry is put into the map, and subtracted at the end?"
    }`;
  // A thread may lose its CPU between the clock and the call, so that not each of the calls that were to wait has waited.
  const slow = pairs.filter(({ write }) => write.bytes === SLOW_BYTES && write.after - write.before > 10e6);
  const fits = (by: number) =>
    slow.some(
      ({ said, write: { before, after } }) => said * by > (after - before) / 2 && said * by < (after - before) * 1.01,
    );
  if (slow.length > 0 && !fits(1)) {
    if (fits(1e3)) return "The durations are in microseconds: ns are asked for, as bpf_ktime_get_ns() gives them.";
    if (fits(1e6)) return "The durations are in milliseconds: ns are asked for, as bpf_ktime_get_ns() gives them.";
  }
  const long = count((said, took) => said > took);
  if (long > 0)
    return `The duration is longer than the call itself ${of(long)}: is the entry of another write found, or of an earlier one?`;
  if (slow.length > 0 && !fits(1))
    return "The duration is much shorter than the call where that waited: is the time at the beginning taken at sys_enter_write, and kept by thread?";
  return undefined;
}
