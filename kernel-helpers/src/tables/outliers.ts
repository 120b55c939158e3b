import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import { withColumns } from "../streams/capture.js";
import { reifyRows } from "../streams/rows.js";
import type { ColumnName } from "../streams/table.js";
import { numbersOf, visibleRows } from "./columns.js";
import { nearestRank } from "./distribution.js";
import { groupRows, groupValues, sortWithinGroups } from "./groups.js";
import type { LatencyOptions } from "./latency.js";
import { selectRank } from "./select.js";
import { unitOf } from "./units.js";

/** Options of `latency.outliers`. */
export interface OutlierOptions<Name extends string = string> extends LatencyOptions<Name> {
  /** Most rows; default 10. */
  top?: number;
}

/**
 * The events that took longest beyond what is usual for their kind, the worst first. Usual is the median of the group:
 * a write that always waits 10 ms for its reader is none, one of 1 ms among writes of 1 µs is.
 *
 * Columns: the table's own, then `p50_ns`, the median of the event's group, and `excess_ns`, the time beyond it;
 * the suffix is the unit of `value`.
 *
 * @throws ArgumentError if a column is missing, `value` holds no numbers, or `top` is no whole number from 1 on.
 * @example
 * latency.outliers(writes, { by: ["comm", "fd"], top: 20 })
 */
export function outliers<Table extends ColumnTable>(
  table: Table,
  options: OutlierOptions<ColumnName<Table>> = {},
): ColumnTable {
  const { by, value: name = "duration_ns", top = 10 } = options;
  requireInteger("top", top, { from: 1 });
  const values = numbersOf(table, name, "value of latency.outliers");
  const groups = groupRows(table, by, "by of latency.outliers");
  const sorted = sortWithinGroups(values, groups);
  const medians = Array.from({ length: groups.size }, (_, group) => groupValues(sorted, group)).map(
    (all) => all[nearestRank(all.length, 500)]!,
  );
  const median = (i: number) => medians[groups.ids ? groups.ids[i]! : 0]!;

  const worst = largest(
    Float64Array.from(values, (value, i) => value - median(i)),
    top,
  );
  const rows = visibleRows(table);
  const picked = reifyRows(
    table.ungroup() as ColumnTable,
    worst.map((i) => (rows ? rows[i]! : i)),
  );
  const unit = unitOf(name);
  const suffix = unit ? `_${unit}` : "";
  return withColumns(picked, {
    ...picked.data(),
    [`p50${suffix}`]: Float64Array.from(worst, median),
    [`excess${suffix}`]: Float64Array.from(worst, (i) => values[i]! - median(i)),
  });
}

/** The positions of the largest scores above 0, largest first, and the earlier of two that are equal. */
function largest(scores: Float64Array, top: number): number[] {
  const above = scores.filter((score) => score > 0);
  const least = above.length > top ? selectRank(above, above.length - top) : 0;
  const places: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i]! > 0 && scores[i]! >= least) places.push(i);
  return places.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, top);
}
