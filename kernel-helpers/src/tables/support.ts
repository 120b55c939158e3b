/** Which percentiles of a table its numbers of events can tell from the smallest or the largest value. */
import type { ColumnTable } from "arquero";
import type { Column } from "./columns.js";
import { isIdentifier, isTimestamp, percentileOf, supports } from "./units.js";

/** A percentile of which nothing should be shown, and the number of events that is too small for it. */
export interface Unsupported {
  percentile: string;
  events: number;
}

/** Tells of a stored row what its figure is, if that is a percentile that its events cannot support. */
export type SupportTest = (row: number) => Unsupported | undefined;

/**
 * The test of a column that holds percentiles, as its own name says (`p99_ns`, `p99_before_ns`) or, row by row, the
 * column `percentile` beside it. Undefined for other columns, and where no column says how many events there were.
 */
export function supportTest(table: ColumnTable, name: string): SupportTest | undefined {
  const columnOf = (wanted: string) =>
    table.columnIndex(wanted) < 0 ? undefined : (table.column(wanted) as Column | undefined);
  const counts = (suffix = "") => columnOf(`count${suffix}`) ?? columnOf(`events${suffix}`);
  const own = /(^|[._])(p\d\d?\.?\d*)(?:_(before|after|ratio|est|from|to))?(?:_(?:ns|us|ms|s|bytes))?$/.exec(name);
  if (own) {
    const [, , percentile, part] = own;
    const perMille = percentileOf(percentile!)!;
    const label = percentile!.replace(/^p(\d\d)(\d+)$/, "p$1.$2");
    const eventsOf = eventsIn(part, counts, columnOf("histogram"));
    return eventsOf && ((row) => unsupported(label, perMille, eventsOf(row)));
  }
  const percentiles = columnOf("percentile");
  const events = counts();
  if (!percentiles || !events || name === "percentile" || /^(count|events|share)$/.test(name)) return undefined;
  if (isTimestamp(name) || isIdentifier(name)) return undefined;
  return (row) => {
    const label = String(percentiles.at(row));
    const perMille = percentileOf(label);
    return perMille === undefined ? undefined : unsupported(label, perMille, Number(events.at(row)));
  };
}

/** How many events a row's figure is from: of a comparison those of either side, or the fewer, and of estimates those of the histogram. */
function eventsIn(
  part: string | undefined,
  counts: (suffix?: string) => Column | undefined,
  histogram: Column | undefined,
): ((row: number) => number) | undefined {
  if (part === "before" || part === "after") return read(counts(`_${part}`));
  if (part === "ratio") {
    const [before, after] = [read(counts("_before")), read(counts("_after"))];
    return before && after && ((row) => Math.min(before(row), after(row)));
  }
  const slots = (row: number) => {
    const own = histogram?.at(row);
    const known = Array.isArray(own) || ArrayBuffer.isView(own);
    return known ? Array.from(own as ArrayLike<number>, Number).reduce((sum, count) => sum + count, 0) : NaN;
  };
  return read(counts()) ?? (part !== undefined && histogram ? slots : undefined);
}

const read = (column: Column | undefined) => column && ((row: number) => Number(column.at(row)));

const unsupported = (percentile: string, perMille: number, events: number): Unsupported | undefined =>
  events > 0 && !supports(events, perMille) ? { percentile, events } : undefined;
