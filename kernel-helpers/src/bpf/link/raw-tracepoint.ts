import { ArgumentError, AttachError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { isNativeError, native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import { allTracepoints } from "./tracefs.js";

/** A tracepoint with its arguments as the kernel hands them over; SEC("raw_tp/NAME") says it too. */
export interface RawTracepointHook {
  /** Its name without the category, such as `sched_switch`. */
  tracepoint?: string;
}

/** Tracepoints of single system calls are made from these two, and have no raw form; undefined for other names. */
export function ofOneSystemCall(name: string, kind: "raw_tp" | "tp_btf"): string | undefined {
  const [, which] = /^sys_(enter|exit)_\w+$/.exec(name) ?? [];
  return which === undefined
    ? undefined
    : `SEC("${kind}/…") knows system calls as sys_${which} only, which is passed by all of them. For one call: SEC("tp/syscalls/${name}").`;
}

export const rawTracepoint: HookKind<RawTracepointHook> = {
  to: "a tracepoint",
  takes: ["tracepoint"],
  inSection: ["tracepoint"],
  attach(program, { tracepoint }) {
    const [, named] = /^raw_(?:tp|tracepoint)(?:\.w)?\/(.+)$/.exec(program.section) ?? [];
    const name = tracepoint ?? named;
    if (!name)
      throw new ArgumentError(`The program ${program.name} attaches to a tracepoint, which must be named.`, {
        hint: 'For example SEC("raw_tp/sched_switch"), or attach({ tracepoint: "sched_switch" }).',
      });
    try {
      const link = native.bpf_program__attach_raw_tracepoint(program.object, program.name, name);
      return byLinks([link], `raw_tp ${name}`);
    } catch (error) {
      if (!isNativeError(error) || error.code !== "ENOENT") throw error;
      throw new AttachError(
        program.name,
        program.section,
        `There is no tracepoint ${name} for program ${program.name}.`,
        {
          errno: error.errno,
          hint: ofOneSystemCall(name, "raw_tp") ?? `The nearest names are ${nearestNames(name, allTracepoints())}.`,
          cause: error,
        },
      );
    }
  },
};
