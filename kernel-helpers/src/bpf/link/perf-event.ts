import { readdirSync, readFileSync } from "node:fs";
import { requireInteger } from "../../base/arguments.js";
import { ArgumentError, MissingFeatureError } from "../../base/errors.js";
import { listNames } from "../../base/names.js";
import { isNativeError, native, type LinkHandle } from "../../base/native.js";
import { attachToEach, byLinks, type Attachable, type HookKind } from "./attachment.js";
import { cookieOf, onlineCpus, processId, type Cookie } from "./hook-options.js";

// enum perf_type_id, perf_sw_ids and perf_hw_id of linux/perf_event.h
const SOFTWARE = 1;
const HARDWARE = 0;
const events = {
  "cpu-clock": { type: SOFTWARE, config: 0 },
  "task-clock": { type: SOFTWARE, config: 1 },
  "page-faults": { type: SOFTWARE, config: 2 },
  "context-switches": { type: SOFTWARE, config: 3 },
  "cpu-migrations": { type: SOFTWARE, config: 4 },
  "minor-faults": { type: SOFTWARE, config: 5 },
  "major-faults": { type: SOFTWARE, config: 6 },
  cycles: { type: HARDWARE, config: 0 },
  instructions: { type: HARDWARE, config: 1 },
  "cache-references": { type: HARDWARE, config: 2 },
  "cache-misses": { type: HARDWARE, config: 3 },
  "branch-instructions": { type: HARDWARE, config: 4 },
  "branch-misses": { type: HARDWARE, config: 5 },
} as const;

/** How often a SEC("perf_event") program samples, and whom. */
export interface PerfEventHook {
  /** Samples a second on each CPU; 99 is usual for a profile, so that it does not beat with what runs 100 times. */
  frequency?: number;
  /** In its place: a sample each so many events. */
  period?: number;
  /** What is counted; `cpu-clock` by default, which virtual machines have too. */
  event?: keyof typeof events;
  /** One process only: its threads, and those and the processes that they start later. */
  pid?: number;
  /** One CPU, or several; all by default. */
  cpu?: number | number[];
  /** What the program reads with bpf_get_attach_cookie(); since Linux 5.15. */
  cookie?: Cookie;
}

export const perfEvent: HookKind<PerfEventHook> = {
  to: "a perf event",
  takes: ["frequency", "period", "event", "pid", "cpu", "cookie"],
  attach(program, { frequency, period, event = "cpu-clock", pid, cpu, cookie }) {
    if ((frequency === undefined) === (period === undefined))
      throw new ArgumentError(
        `The program ${program.name} needs either a frequency or a period, which says how often it samples.`,
        { hint: "For example attach({ frequency: 99 }) for 99 samples a second on each CPU." },
      );
    if (!Object.hasOwn(events, event))
      throw new ArgumentError(`event: there is no ${JSON.stringify(event)}.`, {
        hint: `The events are ${listNames(Object.keys(events))}.`,
      });
    const often =
      frequency === undefined
        ? { period: requireInteger("period", period, { from: 1 }) }
        : { frequency: requireInteger("frequency", frequency, { from: 1, to: 1_000_000 }) };
    const online = onlineCpus();
    const cpus = cpu === undefined ? online : [cpu].flat();
    const off = cpus.find((one) => !online.includes(one));
    if (off !== undefined || cpus.length === 0)
      throw new ArgumentError(`cpu: ${off === undefined ? "none is given" : `there is no CPU ${off} online`}.`, {
        hint: `CPUs online: ${online.join(", ")}.`,
      });
    const most = Number(readFileSync("/proc/sys/kernel/perf_event_max_sample_rate", "utf8"));
    if (frequency !== undefined && frequency > most)
      throw new ArgumentError(`frequency: this kernel samples at most ${most} times a second, got ${frequency}.`, {
        hint: "It is kernel.perf_event_max_sample_rate, which the kernel lowers by itself when sampling takes too long.",
      });
    const open = (where: { cpu?: number; pid?: number; inherit?: boolean }) =>
      byLinks([openEvent(program, { ...events[event], ...often, ...where, ...cookieOf(cookie) }, event)], event);
    const rate = frequency === undefined ? `every ${period} ${event}` : `${frequency} Hz of ${event}`;
    processId(pid);
    const at =
      pid === undefined
        ? attachToEach(cpus, (one) => open({ cpu: one }))
        : attachToEach(threads(pid), (tid) =>
            attachToEach(cpu === undefined ? [-1] : cpus, (one) => open({ pid: tid, cpu: one, inherit: true })),
          );
    const whom = pid === undefined ? "" : ` of process ${pid}`;
    return { ...at, where: `${rate}${whom} on ${cpu === undefined ? "all CPUs" : `CPU ${cpus.join(", ")}`}` };
  },
};

function openEvent(
  program: Attachable,
  attributes: Parameters<typeof native.bpf_program__attach_perf_event>[2],
  event: string,
): LinkHandle {
  try {
    return native.bpf_program__attach_perf_event(program.object, program.name, attributes);
  } catch (error) {
    if (!isNativeError(error) || !["ENOENT", "EOPNOTSUPP"].includes(error.code)) throw error;
    throw new MissingFeatureError(event, `This machine has no counter for ${event}.`, {
      hint: 'Virtual machines often lack the hardware counters; "cpu-clock" is always available.',
      cause: error,
    });
  }
}

function threads(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}
