import { requireNumber } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { figuresTable } from "../streams/capture.js";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf } from "./columns.js";
import { nearestRank } from "./distribution.js";
import { groupValues, sortWithinGroups } from "./groups.js";

/** Options of `latency.percentiles`. */
export interface PercentilesOptions<Name extends string = string> {
  /** Column of times in ns; default `start_ns`. */
  time?: Name;
  /** Column of numbers; default `duration_ns`. */
  value?: Name;
  /** Length of an interval in seconds; default a hundredth of the whole. */
  every?: number;
  /** Above 0 and up to 100, which is the largest value; default 50, 99 and 100. */
  percentiles?: readonly number[];
}

const MAX_INTERVALS = 100_000;

/**
 * How percentiles change: a row for each interval with events and each percentile.
 *
 * Columns: `time_ns` (the interval's beginning), `percentile` (`p50`, `p99.9`, `max`), the value's own, and `count`, the
 * events in the interval. Percentiles are exact, by the nearest-rank method.
 *
 * @throws ArgumentError if a column is missing, or an option is out of range.
 * @example
 * charts.lines(latency.percentiles(writes, { every: 0.1 }), { y: "duration_ns", by: "percentile", log: true })
 */
export function percentiles<Table extends ColumnTable>(
  table: Table,
  options: PercentilesOptions<ColumnName<Table>> = {},
): ColumnTable {
  const { time = "start_ns", value = "duration_ns", percentiles: wanted = [50, 99, 100] } = options;
  for (const p of wanted) requireNumber("percentiles", p, { above: 0, to: 100 });
  const times = numbersOf(table, time, "time of latency.percentiles");
  const values = numbersOf(table, value, "value of latency.percentiles");
  const { min, max, count } = extent(times);
  // 1e-8 s are 10 ns, and 1e9 times as much as 1e-8 is a little more: an event on an edge would fall on its wrong side.
  const every = Number((1e9 * (options.every ?? (max > min ? (max - min) / 1e11 : 1))).toPrecision(15));
  if (options.every !== undefined) requireNumber("every", options.every, { above: 0 });
  // The end belongs to the last interval: one more would have the last event to itself.
  const size = count ? Math.max(Math.ceil(((max - min) / every) * (1 - 1e-12)), 1) : 0;
  if (size > MAX_INTERVALS)
    throw new ArgumentError(
      `every: ${String(options.every)} s makes ${size.toLocaleString("en")} intervals, more than ${MAX_INTERVALS.toLocaleString("en")}.`,
    );

  const last = Math.max(size - 1, 0);
  const ids = Uint32Array.from(times, (at) => Math.min(Math.floor((at - min) / every), last));
  const timed = count === times.length ? values : values.map((value, i) => (Number.isFinite(times[i]) ? value : NaN));
  const sorted = sortWithinGroups(timed, { by: [], size, ids, keys: [] });
  const rows = { time: [] as number[], percentile: [] as string[], value: [] as number[], count: [] as number[] };
  for (let interval = 0; interval < size; interval++) {
    const all = groupValues(sorted, interval);
    if (all.length === 0) continue;
    for (const p of wanted) {
      rows.time.push(min + interval * every);
      rows.percentile.push(p === 100 ? "max" : `p${p}`);
      rows.value.push(all[nearestRank(all.length, 10 * p)]!);
      rows.count.push(all.length);
    }
  }
  return figuresTable(
    {
      time_ns: Float64Array.from(rows.time),
      percentile: rows.percentile,
      [value]: Float64Array.from(rows.value),
      count: Float64Array.from(rows.count),
    },
    [table],
  );
}
