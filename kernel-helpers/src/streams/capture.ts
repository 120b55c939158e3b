/** What a table remembers of the capture that its rows come from, through every verb. */
import { type ColumnTable, table as makeTable } from "arquero";
import { joinCaptures, type Capture } from "./account.js";
import { CapturedTable } from "./captured-table.js";

export {
  captureBundle,
  CAPTURE_MIME,
  joinCaptures,
  lossNote,
  lossText,
  missedSince,
  sumMissing,
  type Capture,
  type Missing,
} from "./account.js";

/** The table with a note of the capture that it comes from. */
export function markCapture(table: ColumnTable, capture: Capture): ColumnTable {
  return CapturedTable.from(table, { capture, derived: false });
}

/**
 * The capture that a table comes from, whatever was made of it since; undefined for tables made by hand, of which
 * nobody knows where their rows come from.
 *
 * @example
 * captureOf(writes.filter(d => d.ret < 0))?.lost  // 0
 */
export function captureOf(table: ColumnTable): Capture | undefined {
  return table instanceof CapturedTable ? table.origin?.capture : undefined;
}

/** True if a row of the table is no longer an event or an entry, but something computed from them. */
export function isDerived(table: ColumnTable): boolean {
  return table instanceof CapturedTable && table.origin?.derived === true;
}

/**
 * The table with a note of the captures that others come from, of which it was made.
 *
 * @param as the name of all of them together; default their own
 */
export function markSources(
  table: ColumnTable,
  sources: readonly ColumnTable[],
  { as, derived = sources.some(isDerived) }: { as?: string; derived?: boolean } = {},
): ColumnTable {
  const names = new Set(sources.flatMap((source) => captureOf(source)?.source ?? []));
  const capture = joinCaptures(as ?? [...names].join(" and "), sources.map(captureOf));
  return capture ? CapturedTable.from(table, { capture, derived }) : table;
}

/** A table of figures that were computed from the rows of others; it knows what was lost from these. */
export function figuresTable(
  columns: Readonly<Record<string, unknown>>,
  sources: readonly ColumnTable[],
  as?: string,
): ColumnTable {
  return markSources(makeTable(columns as Record<string, never>), sources, {
    derived: true,
    ...(as === undefined ? {} : { as }),
  });
}

/** The table's rows with other columns, as many values in each; filtered or ordered it must not be. */
export function withColumns(table: ColumnTable, columns: Readonly<Record<string, unknown>>): ColumnTable {
  return table.create({ data: columns as never, names: Object.keys(columns) });
}
