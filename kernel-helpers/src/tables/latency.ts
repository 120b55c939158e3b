import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import { figuresTable } from "../streams/capture.js";
import type { ColumnName } from "../streams/table.js";
import { binFinder } from "./bin-finder.js";
import { extent, numbersOf } from "./columns.js";
import { doublingEdges, ecdfPoints, percentiles } from "./distribution.js";
import { gatherGroups, type Groups, groupRows, groupValues, sortWithinGroups } from "./groups.js";
import { unitOf } from "./units.js";

/** What to measure, and by which columns to tell groups apart. */
export interface LatencyOptions<Name extends string = string> {
  /** Column or columns to group by; default the table's own `groupby`, else all rows together. */
  by?: Name | readonly Name[];
  /** Column of numbers; default `duration_ns`. */
  value?: Name;
}

/**
 * Count and percentiles of a column, one row per group, the busiest group first.
 *
 * Columns: those of `by`, then `count`, `p50_ns`, `p90_ns`, `p99_ns`, `p999_ns`, `max_ns`, `total_ns`;
 * the suffix is the unit of `value` (`count` is called `events` where `by` has a `count`). Percentiles are exact, by the nearest-rank method: each is a value
 * that occurred. Only finite numbers count.
 *
 * @throws ArgumentError if a column is missing or `value` holds no numbers.
 * @example
 * latency.summary(writes, { by: "comm" })
 * latency.summary(writes, { by: ["comm", "fd"], value: "ret" })
 */
export function summary<Table extends ColumnTable>(
  table: Table,
  options: LatencyOptions<ColumnName<Table>> = {},
): ColumnTable {
  const { values, groups, name } = distributions(table, options, "latency.summary");
  const gathered = gatherGroups(values, groups);
  const rows = Array.from({ length: groups.size }, (_, group) => {
    const own = groupValues(gathered, group);
    return { group, count: own.length, total: sumOf(own), percentiles: percentiles(own, [500, 900, 990, 999, 1000]) };
  })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || a.group - b.group);

  const figure = (pick: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, pick);
  const unit = unitOf(name);
  const suffix = unit ? `_${unit}` : "";
  return figuresTable(
    {
      ...keyColumns(
        groups,
        rows.map(({ group }) => group),
      ),
      [countName(groups)]: figure((row) => row.count),
      ...Object.fromEntries(
        ["p50", "p90", "p99", "p999", "max"].map((percentile, i) => [
          `${percentile}${suffix}`,
          figure((row) => row.percentiles[i]!),
        ]),
      ),
      [`total${suffix}`]: figure((row) => row.total),
    },
    [table],
  );
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** Options of `latency.histogram`. */
export interface HistogramOptions<Name extends string = string> extends LatencyOptions<Name> {
  /** Parts that each doubling is cut into: 1 (default) is the log2 histogram of bpftrace's `hist()`, 4 or 8 is finer. */
  steps?: number;
}

/**
 * A histogram as a table: buckets that double, from the first to the last that has values in any group.
 *
 * Columns: those of `by`, then `low_ns` (included), `high_ns` (not included), `count`, and `share` of the group, 0 to 1.
 *
 * @throws ArgumentError if a column is missing, `value` holds no numbers, or `steps` is no whole number from 1 to 64.
 * @example
 * latency.histogram(writes, { by: "comm", steps: 4 })
 */
export function histogram<Table extends ColumnTable>(
  table: Table,
  options: HistogramOptions<ColumnName<Table>> = {},
): ColumnTable {
  const { steps = 1 } = options;
  requireInteger("steps", steps, { from: 1, to: 64 });
  const { values, groups, name } = distributions(table, options, "latency.histogram");
  const { min, max, count: any } = extent(values);
  const edges = any ? doublingEdges(min, max, steps) : [];
  const buckets = Math.max(edges.length - 1, 0);
  const counts = new Float64Array(buckets * groups.size);
  const bucketOf = binFinder(edges);
  for (let i = 0; i < values.length && buckets; i++) {
    const bucket = bucketOf(values[i]!);
    if (bucket >= 0) counts[(groups.ids ? groups.ids[i]! : 0) * buckets + bucket]!++;
  }

  const rows = {
    group: [] as number[],
    low: [] as number[],
    high: [] as number[],
    count: [] as number[],
    share: [] as number[],
  };
  for (let group = 0; group < groups.size; group++) {
    const own = counts.subarray(group * buckets, (group + 1) * buckets);
    const all = sumOf(own);
    if (all === 0) continue;
    own.forEach((count, bucket) => {
      rows.group.push(group);
      rows.low.push(edges[bucket]!);
      rows.high.push(edges[bucket + 1]!);
      rows.count.push(count);
      rows.share.push(count / all);
    });
  }
  const unit = unitOf(name);
  const suffix = unit ? `_${unit}` : "";
  return figuresTable(
    {
      ...keyColumns(groups, rows.group),
      [`low${suffix}`]: Float64Array.from(rows.low),
      [`high${suffix}`]: Float64Array.from(rows.high),
      [countName(groups)]: Float64Array.from(rows.count),
      share: Float64Array.from(rows.share),
    },
    [table],
  );
}

/** Options of `latency.ecdf`. */
export interface EcdfOptions<Name extends string = string> extends LatencyOptions<Name> {
  /** Most points a group; default 500. */
  points?: number;
}

/**
 * The empirical distribution function of each group: which share of the values is at most so large.
 * Each point is exact; half of them crowd at the slow end.
 *
 * Columns: those of `by`, then the value's own, and `share`, 0 to 1.
 *
 * @throws ArgumentError if a column is missing, `value` holds no numbers, or `points` is no whole number from 2 on.
 * @example
 * latency.ecdf(writes, { by: "comm" })
 */
export function ecdf<Table extends ColumnTable>(
  table: Table,
  options: EcdfOptions<ColumnName<Table>> = {},
): ColumnTable {
  const { points = 500 } = options;
  requireInteger("points", points, { from: 2 });
  const { values, groups, name } = distributions(table, options, "latency.ecdf");
  const sorted = sortWithinGroups(values, groups);
  const rows = { group: [] as number[], value: [] as number[], share: [] as number[] };
  for (let group = 0; group < groups.size; group++) {
    for (const point of ecdfPoints(groupValues(sorted, group), points)) {
      rows.group.push(group);
      rows.value.push(point.value);
      rows.share.push(point.share);
    }
  }
  return figuresTable(
    {
      ...keyColumns(groups, rows.group),
      [name]: Float64Array.from(rows.value),
      share: Float64Array.from(rows.share),
    },
    [table],
  );
}

/** What to measure, by which groups, and the column's name. */
function distributions(
  table: ColumnTable,
  { by, value: name = "duration_ns" }: LatencyOptions,
  caller: string,
): { values: Float64Array; groups: Groups; name: string } {
  const values = numbersOf(table, name, `value of ${caller}`);
  return { values, groups: groupRows(table, by, `by of ${caller}`), name };
}

/** `count`, unless the table is grouped by a field of that name, such as the bytes that a write asked for. */
const countName = (groups: Groups) => (groups.by.includes("count") ? "events" : "count");

/** The columns grouped by, a value a row of the result. */
function keyColumns(groups: Groups, order: readonly number[]): Record<string, unknown[]> {
  return Object.fromEntries(groups.by.map((name, column) => [name, order.map((group) => groups.keys[column]![group])]));
}
