import { ColumnTable } from "arquero";
import { type AnyColumn, takeRows } from "./take.js";

/** The visible rows, in order and grouped as they are, as stored rows; or rows by number. Columns stay what they are. */
export function reifyRows<Table extends ColumnTable>(table: Table, indices?: ArrayLike<number>): Table {
  if (!indices && !table.isFiltered() && !table.isOrdered()) return table;
  // Arquero's own reify turns each column that is no typed array into an array. It is left with the row numbers only.
  const numbers = Uint32Array.from({ length: table.totalRows() }, (_, row) => row);
  const skeleton = new ColumnTable(
    { row: numbers } as never,
    ["row"] as never,
    table.mask(),
    table.groups(),
    table.comparator(),
  ).reify(indices && (Array.from(indices) as never));
  const rows = skeleton.column("row") as unknown as Uint32Array;
  const names = table.columnNames();
  const data = names.map((name) => [name, takeRows(table.column(name) as AnyColumn, rows)] as const);
  return table.create({
    data: Object.fromEntries(data) as never,
    names: names as never,
    groups: skeleton.groups(),
    filter: null as never,
    order: null as never,
  });
}
