import { table as makeTable, type ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { markSources } from "./capture.js";
import {
  AddressColumn,
  BooleanColumn,
  DictionaryColumn,
  ListColumn,
  WideColumn,
  type EventColumn,
  type FileColumn,
  type TypedArray,
} from "./event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn } from "./file-columns.js";
import { reifyRows } from "./rows.js";
import { OptionalColumn, TailColumn } from "./varying-columns.js";

/**
 * One table of the rows of all, in order. Columns stay what they are: typed arrays are
 * copied once, dictionaries are shared or merged; what was lost from any of them stays known. Columns that are not of one kind in all
 * tables, or of another kind than streams make, become arrays.
 *
 * @throws ArgumentError when the tables do not have the same columns
 * @example
 * concatTables([writes.filter((d) => d.ret < 0), writes.filter((d) => d.ret >= 0)])
 */
export function concatTables(tables: readonly ColumnTable[]): ColumnTable {
  const first = tables[0];
  if (!first) return makeTable({});
  if (tables.length === 1) return first;
  const names = first.columnNames();
  const odd = tables.find((t) => t.numCols() !== names.length || names.some((name) => t.columnIndex(name) < 0));
  if (odd)
    throw new ArgumentError(
      `Tables with different columns cannot be concatenated: one has ${listNames(names)}, another ${listNames(odd.columnNames())}.`,
    );
  const plain = tables.map((t) => reifyRows(t));
  const columns = names.map(
    (name) => [name, concatColumns(plain.map((t) => t.column(name) as unknown as AnyColumn))] as const,
  );
  return markSources(makeTable(Object.fromEntries(columns) as Record<string, never>), tables);
}

/** What arquero takes as a column. */
type AnyColumn = EventColumn | FileColumn | readonly unknown[];

function concatColumns(parts: readonly AnyColumn[]): AnyColumn {
  const first = parts[0]!;
  if (parts.some((part) => part instanceof NullableColumn)) return concatNullables(parts);
  if (parts.some((part) => part.constructor !== first.constructor)) return concatValues(parts);
  if (first instanceof DictionaryColumn) return concatDictionaries(parts as DictionaryColumn[]);
  if (first instanceof BooleanColumn)
    return new BooleanColumn(concatArrays((parts as BooleanColumn[]).map((p) => p.bytes)));
  if (first instanceof AddressColumn) {
    const addresses = parts as AddressColumn[];
    if (addresses.some(({ width }) => width !== first.width)) return concatValues(parts);
    return new AddressColumn(concatArrays(addresses.map((p) => p.bytes)), first.width);
  }
  if (first instanceof WideColumn) {
    const wide = parts as WideColumn[];
    if (wide.some(({ signed }) => signed !== first.signed)) return concatValues(parts);
    return new WideColumn(concatArrays(wide.map((p) => p.words)), first.signed);
  }
  if (first instanceof ListColumn) {
    const lists = parts as ListColumn<any>[];
    if (lists.some((list) => list.size !== first.size || list.values.constructor !== first.values.constructor))
      return concatValues(parts);
    return new ListColumn(concatColumns(lists.map((p) => p.values as EventColumn)) as TypedArray, first.size);
  }
  if (first instanceof TailColumn) return TailColumn.concat(parts as TailColumn[]);
  if (first instanceof OptionalColumn) {
    const columns = parts as OptionalColumn<EventColumn>[];
    // Types have the same numbers in all batches of one stream, and need not in others.
    if (columns.some(({ has }) => has !== first.has)) return concatValues(parts);
    return new OptionalColumn(
      concatColumns(columns.map(({ values }) => values)) as EventColumn,
      concatArrays(columns.map(({ types }) => types)),
      first.has,
    );
  }
  if (first instanceof Int64Column) {
    const values = (parts as Int64Column[]).map((p) => p.values as BigInt64Array);
    return values.every(({ constructor }) => constructor === values[0]!.constructor)
      ? new Int64Column(concatArrays(values))
      : concatValues(parts);
  }
  if (first instanceof TimestampColumn) {
    const moments = parts as TimestampColumn[];
    return moments.every(({ unit, utc }) => unit === first.unit && utc === first.utc)
      ? new TimestampColumn(concatArrays(moments.map((p) => p.values)), first.unit, first.utc)
      : concatValues(parts);
  }
  return ArrayBuffer.isView(first) ? concatArrays(parts as TypedArray[]) : concatValues(parts);
}

/** Of columns of which at least one has gaps. */
function concatNullables(parts: readonly AnyColumn[]): AnyColumn {
  const values = parts.map((part) => (part instanceof NullableColumn ? (part.values as AnyColumn) : part));
  if (values.some((part) => part.constructor !== values[0]!.constructor)) return concatValues(parts);
  const all = concatColumns(values);
  if (Array.isArray(all)) return concatValues(parts);
  const valid = parts.map((part) =>
    part instanceof NullableColumn ? part.valid : new Uint8Array(part.length).fill(1),
  );
  return new NullableColumn(all as EventColumn, concatArrays(valid));
}

function concatValues(parts: readonly AnyColumn[]): unknown[] {
  const all: unknown[] = [];
  for (const part of parts) for (const value of part) all.push(value);
  return all;
}

function concatArrays<Values extends TypedArray>(parts: readonly Values[]): Values {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new (parts[0]!.constructor as new (length: number) => Values)(length);
  let at = 0;
  for (const part of parts) {
    all.set(part as never, at);
    at += part.length;
  }
  return all;
}

function concatDictionaries(parts: readonly DictionaryColumn[]): DictionaryColumn {
  const { dictionary } = parts[0]!;
  if (parts.every((part) => part.dictionary === dictionary))
    return new DictionaryColumn(concatArrays(parts.map((p) => p.codes)), dictionary);
  const codes = new Map<string, number>();
  const recoded = parts.map((part) => {
    const map = part.dictionary.map((text) => codes.get(text) ?? (codes.set(text, codes.size), codes.size - 1));
    return part.codes.map((code) => map[code]!);
  });
  return new DictionaryColumn(concatArrays(recoded), [...codes.keys()]);
}
