import { type ColumnTable, table as makeTable } from "arquero";
import { type Column, isTextColumn } from "../tables/columns.js";

/** One table of all rows, typed arrays kept typed, dictionaries joined. All tables have the first one's columns. */
export function concatTables(tables: readonly ColumnTable[]): ColumnTable {
  const first = tables[0];
  if (!first) return makeTable({});
  if (tables.length === 1) return first;
  return makeTable(Object.fromEntries(first.columnNames().map((name) => [name, concatColumns(tables.map((table) => table.column(name) as Column))])));
}

function concatColumns(parts: readonly Column[]): Column {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const first = parts[0]!;
  if (isTextColumn(first)) {
    const codeOf = new Map<string, number>();
    const codes = new Uint32Array(length);
    let offset = 0;
    for (const part of parts) {
      if (!isTextColumn(part)) continue;
      const map = part.dictionary.map((text) => codeOf.get(text) ?? (codeOf.set(text, codeOf.size), codeOf.size - 1));
      for (let i = 0; i < part.length; i++) codes[offset++] = map[part.codes[i]!]!;
    }
    const dictionary = [...codeOf.keys()];
    return { length, codes, dictionary, at: (row: number) => dictionary[codes[row]!], *[Symbol.iterator]() { for (const code of codes) yield dictionary[code]; } } as Column;
  }
  const out = new (first.constructor as Float64ArrayConstructor)(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part as Float64Array, offset);
    offset += part.length;
  }
  return out;
}
