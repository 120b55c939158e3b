import { type ColumnTable, table as makeTable } from "arquero";
import { DictionaryColumn } from "../streams/event-columns.js";

/** The table with a column `host` before the others, which says of each row that it is from this one. */
export function withHost(table: ColumnTable, hosts: readonly string[], host: string): ColumnTable {
  const codes = new Uint32Array(table.numRows()).fill(hosts.indexOf(host));
  return makeTable({
    host: new DictionaryColumn(codes, hosts) as never,
    ...(table.data() as Record<string, never>),
  });
}
