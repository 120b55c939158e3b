import { op, type ColumnTable } from "arquero";
import { refuseUnknownOptions } from "../base/names.js";
import { captureStacks, type StackCaptureOptions } from "./stack-capture.js";

/** What to sample, and how long. */
export interface ProfileOptions extends StackCaptureOptions {
  /** Samples a second on each CPU; default 99. */
  frequency?: number;
}

/**
 * Samples what the CPUs run: one row per stack, with `comm`, `pid`, `stack` (folded text, the outermost function first)
 * and `count`, the samples in which it was found. It lasts until the first of `seconds`, `until` and an interrupt of
 * the cell; whatever ends it, what came is returned.
 *
 * @throws ArgumentError; CollectError when `until` fails, which holds what had come; what loading and attaching throw
 * @example
 * const stacks = await profile({ seconds: 5 });
 * charts.flamegraph(stacks)
 */
export async function profile(options: ProfileOptions): Promise<ColumnTable> {
  refuseUnknownOptions("profile", options, ["seconds", "until", "frequency", "pid"]);
  const { frequency = 99, pid } = options;
  return captureStacks("profile", "profile", {
    options,
    attach: { frequency, ...(pid === undefined ? {} : { pid }) },
    pidsOf: ({ maps }) => maps.samples.keys().map((sample) => sample.pid),
    tableOf: ({ maps }, stacks) =>
      stacks
        .fold(maps.samples.table(), { traces: maps.stacks })
        .groupby("comm", "pid", "stack")
        .rollup({ count: op.sum("value") }) // functions alike, at several addresses in them
        .reify(),
  });
}
