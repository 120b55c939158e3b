import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { concatTables } from "../streams/concat-tables.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import { markSources } from "../streams/capture.js";

/**
 * Several captures as one table, with a column `capture` that says which of them a row is from, so that a chart can
 * draw them side by side. It has the columns that all of them have, and knows what was lost from each.
 *
 * @param captures the tables by the names that the column is to hold
 * @throws ArgumentError for fewer than two, or when they have no column in common
 * @example
 * charts.ecdf(concatCaptures({ before, after }), { x: "duration_ns", by: "capture" })
 */
export function concatCaptures(captures: Readonly<Record<string, ColumnTable>>): ColumnTable {
  const names = Object.keys(captures);
  const tables = Object.values(captures);
  if (names.length < 2) throw new ArgumentError(`concatCaptures needs two tables or more, got ${names.length}.`);
  const shared = tables[0]!
    .columnNames()
    .filter((name) => name !== "capture" && tables.every((table) => table.columnIndex(name) >= 0));
  if (shared.length === 0) throw new ArgumentError(`${names.join(" and ")} have no column in common.`);
  const all = concatTables(tables.map((table) => table.ungroup().select(shared)));

  const codes = new Uint32Array(all.numRows());
  let row = 0;
  tables.forEach((table, code) => codes.fill(code, row, (row += table.numRows())));
  const together = makeTable({
    capture: new DictionaryColumn(codes, names) as never,
    ...(all.data() as Record<string, never>),
  });
  return markSources(together, tables, { as: names.join(" and ") });
}
