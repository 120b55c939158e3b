import { op, type ColumnTable } from "arquero";
import { refuseUnknownOptions } from "../base/names.js";
import { native } from "../base/native.js";
import { concatTables } from "../streams/concat-tables.js";
import { captureStacks, type StackCaptureOptions } from "./stack-capture.js";

/** Whom to watch, and how long. */
export type OffCpuOptions = StackCaptureOptions;

/**
 * What threads wait for: a row for each place where they left the CPU, with `comm`, `pid`, `why` (`waiting` for those
 * that went to sleep, `preempted` for those that had to give way), `stack` (folded text, the outermost function first),
 * `duration_ns` until they were back, added up, and `count`. A thread that is still away at the end counts until then;
 * one that does not run at all meanwhile is not seen. It lasts until the first of `seconds`, `until` and an interrupt
 * of the cell; whatever ends it, what came is returned.
 *
 * @throws ArgumentError; CollectError when `until` fails, which holds what had come; what loading and attaching throw
 * @example
 * const waits = await offCpu({ seconds: 5 });
 * charts.flamegraph(waits, { value: "duration_ns" })
 */
export async function offCpu(options: OffCpuOptions): Promise<ColumnTable> {
  refuseUnknownOptions("offCpu", options, ["seconds", "until", "pid"]);
  return captureStacks("offcpu", "offCpu", {
    options,
    attach: {},
    pidsOf: ({ maps }) => [
      ...maps.times.keys().map((place) => place.pid),
      ...maps.off.entries().map(([, { place }]) => place.pid),
    ],
    tableOf({ maps }, stacks) {
      const now = native.clock_monotonic();
      const away = maps.off
        .table()
        .params({ now })
        .derive({ duration_ns: "(d, $) => $.now - d.since_ns", count: "() => 1" });
      const names = ["pid", "user_stack", "kernel_stack", "why", "comm"];
      const still = away.select({
        ...Object.fromEntries(names.map((name) => [`place.${name}`, name])),
        duration_ns: "duration_ns",
        count: "count",
      });
      return stacks
        .fold(concatTables([maps.times.table(), still]), { traces: maps.stacks, atHook: true })
        .groupby("comm", "pid", "why", "stack")
        .rollup({ duration_ns: op.sum("duration_ns"), count: op.sum("count") })
        .reify();
    },
  });
}
