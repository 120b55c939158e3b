import { parseHook } from "./hooks/resolve.js";
import { histogramBuckets } from "./buckets.js";
import { listHooks } from "./list.js";
import type { FieldsOf } from "./field-types.js";
import { Probe } from "./probe.js";
import type { ProbeOptions } from "./probe-options.js";

/**
 * Asks the kernel in arquero's verbs: what happens at a hook, filtered, computed and added up there.
 *
 * @throws ArgumentError for what is not a kind of hook
 * @example
 * await probe("tp/syscalls/sys_exit_read").filter(d => d.ret > 0).groupby("comm").rollup({ n: op.count(), bytes: op.sum("ret") }).collect({ seconds: 5 })
 */
export function probe<const Hook extends string>(hook: Hook, options?: ProbeOptions): Probe<FieldsOf<Hook>>;
export function probe<Fields extends object>(hook: string, options?: ProbeOptions): Probe<Fields>;
export function probe(hook: string, options: ProbeOptions = {}): Probe {
  parseHook(hook);
  return Probe.make({ hook, verbs: [] }, options);
}

/** The hooks whose names fit a pattern, as a table. */
probe.list = listHooks;
/** The slots of a roll-up's histogram as rows. */
probe.buckets = histogramBuckets;

export { op, type KernelOp } from "./op.js";
export { Probe } from "./probe.js";
export type { ProbeOptions } from "./probe-options.js";
export { ProbeError } from "./probe-error.js";
