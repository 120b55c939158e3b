/**
 * Histograms that a program kept in the kernel: an array of counts, where slot i counts values from
 * 2^i up to, not including, 2^(i+1), slot 0 also 0, and the last slot also everything above.
 */
import type { ColumnTable } from "arquero";
import { requireNumber } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import { figuresTable, withColumns } from "../streams/capture.js";
import type { ColumnName } from "../streams/table.js";
import { type Column, numbersOf, requireColumn, storedRows, visibleRows } from "./columns.js";
import { groupRows } from "./groups.js";
import { unitOf } from "./units.js";

/** Options of `latency.buckets`. */
export interface BucketsOptions<Name extends string = string> {
  /** Column or columns to add up by; default the table's own `groupby`, else all rows together. */
  by?: Name | readonly Name[];
  /** Column of counts, an array a row; default `histogram`. */
  histogram?: Name;
}

/**
 * The kernel's log2 histograms as rows: one row per bucket, from the first to the last that counted anything
 * in any group. The same columns as `latency.histogram` of events, so that the two compare.
 *
 * Columns: those of `by`, then `low_ns` (included), `high_ns` (not included), `count`, and `share` of the group, 0 to 1.
 *
 * @throws ArgumentError if a column is missing or holds no arrays of numbers.
 * @example
 * charts.buckets(latency.buckets(stats.maps.stats_map.table(), { by: "comm" }), { by: "comm" })
 */
export function buckets<Table extends ColumnTable>(
  table: Table,
  options: BucketsOptions<ColumnName<Table>> = {},
): ColumnTable {
  const groups = groupRows(table, options.by, "by of latency.buckets");
  const counts = Array.from({ length: groups.size }, () => [] as number[]);
  histogramsOf(table, options.histogram ?? "histogram", "histogram of latency.buckets").forEach((slots, i) => {
    const sums = counts[groups.ids ? groups.ids[i]! : 0]!;
    slots.forEach((count, slot) => (sums[slot] = (sums[slot] ?? 0) + count));
  });
  let [first, last] = [Infinity, -Infinity];
  for (const sums of counts)
    sums.forEach((count, slot) => count > 0 && ([first, last] = [Math.min(first, slot), Math.max(last, slot)]));

  const rows = {
    group: [] as number[],
    low: [] as number[],
    high: [] as number[],
    count: [] as number[],
    share: [] as number[],
  };
  counts.forEach((sums, group) => {
    const total = sums.reduce((sum, count) => sum + count, 0);
    for (let slot = first; total > 0 && slot <= last; slot++) {
      rows.group.push(group);
      rows.low.push(lowOf(slot));
      rows.high.push(2 ** (slot + 1));
      rows.count.push(sums[slot]!);
      rows.share.push(sums[slot]! / total);
    }
  });
  return figuresTable(
    {
      ...Object.fromEntries(
        groups.by.map((name, column) => [name, rows.group.map((group) => groups.keys[column]![group])]),
      ),
      low_ns: Float64Array.from(rows.low),
      high_ns: Float64Array.from(rows.high),
      count: Float64Array.from(rows.count),
      share: Float64Array.from(rows.share),
    },
    [table],
  );
}

/** Options of `latency.estimates`. */
export interface EstimatesOptions<Name extends string = string> {
  /** Column of counts, an array a row; default `histogram`. */
  histogram?: Name;
  /** Column of the smallest value; default `min_ns`. */
  min?: Name;
  /** Column of the largest value; default `max_ns`. */
  max?: Name;
  /** Column of the sum of all values; default `total_ns`. */
  total?: Name;
  /** The percentiles to estimate, above 0 and below 100; default 50, 90 and 99. */
  percentiles?: readonly number[];
}

/**
 * The table with averages, and with percentiles as far as a histogram knows them. The average is exact.
 * A percentile lies somewhere in one bucket: `p99_from_ns` and `p99_to_ns` are the bounds that it keeps
 * for certain, and `p99_est_ns` an estimate between them, as if the bucket's values lay evenly on a
 * logarithmic scale.
 *
 * @throws ArgumentError if a column is missing or a percentile is not between 0 and 100.
 * @example
 * latency.estimates(stats.maps.stats_map.table(), { percentiles: [50, 99.9] })
 */
export function estimates<Table extends ColumnTable>(
  table: Table,
  options: EstimatesOptions<ColumnName<Table>> = {},
): ColumnTable {
  const {
    histogram = "histogram",
    min = "min_ns",
    max = "max_ns",
    total = "total_ns",
    percentiles = [50, 90, 99],
  } = options;
  for (const p of percentiles) requireNumber("percentiles", p, { above: 0, below: 100 });
  const base = storedRows(table);
  const histograms = histogramsOf(base, histogram, "histogram of latency.estimates");
  const [mins, maxs, totals] = [min, max, total].map((name) => numbersOf(base, name, "latency.estimates")) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const counts = histograms.map((slots) => slots.reduce((sum, count) => sum + count, 0));
  const unit = unitOf(total);
  const suffix = unit ? `_${unit}` : "";

  const columns: Record<string, Float64Array> = { [`mean${suffix}`]: totals.map((sum, row) => sum / counts[row]!) };
  for (const p of percentiles) {
    const found = histograms.map((slots, row) => percentile(slots, counts[row]!, p, mins[row]!, maxs[row]!));
    const name = `p${String(p).replace(".", "")}`;
    columns[`${name}_est${suffix}`] = Float64Array.from(found, ({ estimate }) => estimate);
    columns[`${name}_from${suffix}`] = Float64Array.from(found, ({ from }) => from);
    columns[`${name}_to${suffix}`] = Float64Array.from(found, ({ to }) => to);
  }
  return withColumns(base, { ...base.data(), ...columns });
}

/** The nearest-rank percentile's bucket, cut to the values that occurred. */
function percentile(
  slots: readonly number[],
  count: number,
  p: number,
  min: number,
  max: number,
): { from: number; to: number; estimate: number } {
  const rank = Math.max(1, Math.ceil((count * p) / 100));
  let below = 0;
  for (const [slot, inside] of slots.entries()) {
    if (below + inside < rank) {
      below += inside;
      continue;
    }
    const from = Math.max(lowOf(slot), min);
    const to = slot === slots.length - 1 ? max : Math.min(2 ** (slot + 1), max);
    const floor = Math.max(from, 1);
    return { from, to, estimate: floor * (Math.max(to, floor) / floor) ** ((rank - below - 0.5) / inside) };
  }
  return { from: NaN, to: NaN, estimate: NaN };
}

const lowOf = (slot: number) => (slot === 0 ? 0 : 2 ** slot);

/** The arrays of the visible rows, in stored order. */
function histogramsOf(table: ColumnTable, name: string, option: string): number[][] {
  const column: Column = requireColumn(table, name, option);
  const rows = visibleRows(table) ?? Uint32Array.from({ length: column.length }, (_, row) => row);
  return Array.from(rows, (row) => {
    const value = column.at(row);
    if (!Array.isArray(value) && !ArrayBuffer.isView(value))
      throw new ArgumentError(`${option} needs an array of counts a row, and column "${name}" holds none.`);
    return Array.from(value as ArrayLike<number | bigint>, Number);
  });
}
