import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError } from "../errors.js";
import { captureOf, markCapture } from "../streams/loss.js";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf } from "./columns.js";
import { countBetween, doublingEdges, ecdfPoints, nearestRank } from "./distribution.js";
import { type Groups, groupRows, groupValues, type SortedGroups, sortWithinGroups } from "./groups.js";
import { unitOf } from "./units.js";

/** What to measure, and by which columns to tell groups apart. */
export interface LatencyOptions<Name extends string = string> {
  /** Column or columns to group by; default the table's own `groupby`, else all rows together. */
  by?: Name | readonly Name[];
  /** Column of numbers; default `duration_ns`. */
  value?: Name;
}

/**
 * Count and percentiles of a column, a row a group, the busiest group first.
 *
 * Columns: those of `by`, then `count`, `p50_ns`, `p90_ns`, `p99_ns`, `p999_ns`, `max_ns`, `total_ns`;
 * the suffix is the unit of `value` (`count` is called `events` where `by` has a `count`). Percentiles are exact, by the nearest-rank method: each is a value
 * that occurred. Only finite numbers count.
 *
 * @throws ArgumentError if a column is missing or `value` holds no numbers.
 * @example
 * latency.summary(writes, { by: "comm" })
 * latency.summary(writes, { by: ["comm", "fd"], value: "count" })
 */
export function summary<Table extends ColumnTable>(table: Table, options: LatencyOptions<ColumnName<Table>> = {}): ColumnTable {
  const { groups, sorted, name } = distributions(table, options, "latency.summary");
  const order = Array.from({ length: groups.size }, (_, group) => group)
    .filter((group) => sizeOf(sorted, group) > 0)
    .sort((a, b) => sizeOf(sorted, b) - sizeOf(sorted, a) || a - b);

  const figure = (pick: (values: Float64Array) => number) => Float64Array.from(order, (group) => pick(groupValues(sorted, group)));
  const percentile = (perMille: number) => figure((values) => values[nearestRank(values.length, perMille)]!);
  const unit = unitOf(name);
  const suffix = unit ? `_${unit}` : "";
  return derived(table, {
    ...keyColumns(groups, order),
    [countName(groups)]: figure((values) => values.length),
    [`p50${suffix}`]: percentile(500),
    [`p90${suffix}`]: percentile(900),
    [`p99${suffix}`]: percentile(990),
    [`p999${suffix}`]: percentile(999),
    [`max${suffix}`]: percentile(1000),
    [`total${suffix}`]: figure((values) => values.reduce((sum, value) => sum + value, 0)),
  });
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
export function histogram<Table extends ColumnTable>(table: Table, options: HistogramOptions<ColumnName<Table>> = {}): ColumnTable {
  const { steps = 1 } = options;
  if (!Number.isInteger(steps) || steps < 1 || steps > 64) throw new ArgumentError(`expected a whole number from 1 to 64 for steps, got ${steps}.`);
  const { groups, sorted, name } = distributions(table, options, "latency.histogram");
  const { min, max, count: any } = extent(sorted.values);
  const edges = any ? doublingEdges(min, max, steps) : [];

  const rows = { group: [] as number[], low: [] as number[], high: [] as number[], count: [] as number[], share: [] as number[] };
  for (let group = 0; group < groups.size; group++) {
    const values = groupValues(sorted, group);
    if (values.length === 0) continue;
    countBetween(values, edges).forEach((count, bucket) => {
      rows.group.push(group);
      rows.low.push(edges[bucket]!);
      rows.high.push(edges[bucket + 1]!);
      rows.count.push(count);
      rows.share.push(count / values.length);
    });
  }
  const unit = unitOf(name);
  const suffix = unit ? `_${unit}` : "";
  return derived(table, {
    ...keyColumns(groups, rows.group),
    [`low${suffix}`]: Float64Array.from(rows.low),
    [`high${suffix}`]: Float64Array.from(rows.high),
    [countName(groups)]: Float64Array.from(rows.count),
    share: Float64Array.from(rows.share),
  });
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
export function ecdf<Table extends ColumnTable>(table: Table, options: EcdfOptions<ColumnName<Table>> = {}): ColumnTable {
  const { points = 500 } = options;
  if (!Number.isInteger(points) || points < 2) throw new ArgumentError(`expected a whole number from 2 on for points, got ${points}.`);
  const { groups, sorted, name } = distributions(table, options, "latency.ecdf");
  const rows = { group: [] as number[], value: [] as number[], share: [] as number[] };
  for (let group = 0; group < groups.size; group++) {
    for (const point of ecdfPoints(groupValues(sorted, group), points)) {
      rows.group.push(group);
      rows.value.push(point.value);
      rows.share.push(point.share);
    }
  }
  return derived(table, { ...keyColumns(groups, rows.group), [name]: Float64Array.from(rows.value), share: Float64Array.from(rows.share) });
}

function distributions(table: ColumnTable, options: LatencyOptions, caller: string): { groups: Groups; sorted: SortedGroups; name: string } {
  const { by, value: name = "duration_ns" } = options;
  const values = numbersOf(table, name, `value of ${caller}`);
  const groups = groupRows(table, by, `by of ${caller}`);
  return { groups, sorted: sortWithinGroups(values, groups), name };
}

/** `count`, unless the table is grouped by a field of that name, such as the bytes that a write asked for. */
const countName = (groups: Groups) => (groups.by.includes("count") ? "events" : "count");

const sizeOf = (sorted: SortedGroups, group: number) => sorted.starts[group + 1]! - sorted.starts[group]!;

/** The columns grouped by, a value a row of the result. */
function keyColumns(groups: Groups, order: readonly number[]): Record<string, unknown[]> {
  return Object.fromEntries(groups.by.map((name, column) => [name, order.map((group) => groups.keys[column]![group])]));
}

/** A table of results, which remembers what was lost from the events that it sums up. */
function derived(source: ColumnTable, columns: Record<string, ArrayLike<unknown>>): ColumnTable {
  const result = makeTable(columns);
  const capture = captureOf(source);
  return capture ? markCapture(result, capture) : result;
}
