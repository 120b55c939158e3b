import { table as makeTable, type ColumnTable } from "arquero";
import { listNames } from "../base/names.js";
import { ArgumentError } from "../base/errors.js";
import { formatAddress } from "../bpf/address.js";
import { OptionalColumn, TailColumn } from "./varying-columns.js";
import { markSources, withColumns } from "./capture.js";
import { Int64Column, NullableColumn, TimestampColumn } from "./file-columns.js";
import { reifyRows } from "./rows.js";
import { elementsOf, takeNumbers, takeRows } from "./take.js";

// Arquero takes any object with length, at() and an iterator as a column. Numbers are
// typed arrays; these are the columns that a typed array alone cannot be.
//
// They have no key() and keyFor(), by which arquero 8 would compare codes in place of values: it makes `false` of any
// comparison, also of !==, with a value that keyFor does not find, and knows neither `==` between kinds nor a string
// that stands in a dictionary twice. Reading the string costs about as little.
//
// For a row that is missing on one side of a join, arquero asks for row -Infinity: that is undefined.

type NumberArray =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;
type TypedArray = NumberArray | BigInt64Array | BigUint64Array;

/**
 * Text that is stored once for each distinct string: row i reads `dictionary[codes[i]]`.
 * The batches of one stream share their dictionary, which only ever grows.
 */
export class DictionaryColumn {
  readonly codes: Uint32Array;
  readonly dictionary: readonly string[];

  constructor(codes: Uint32Array, dictionary: readonly string[]) {
    this.codes = codes;
    this.dictionary = dictionary;
  }
  get length(): number {
    return this.codes.length;
  }
  at(row: number): string | undefined {
    return this.dictionary[this.codes[row]!];
  }
  take(rows: Uint32Array): DictionaryColumn {
    return new DictionaryColumn(takeNumbers(this.codes, rows), this.dictionary);
  }
  *[Symbol.iterator](): Iterator<string | undefined> {
    for (const code of this.codes) yield this.dictionary[code];
  }
}

/** Booleans, a byte each. */
export class BooleanColumn {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get length(): number {
    return this.bytes.length;
  }
  at(row: number): boolean | undefined {
    const byte = this.bytes[row];
    return byte === undefined ? undefined : byte !== 0;
  }
  take(rows: Uint32Array): BooleanColumn {
    return new BooleanColumn(takeNumbers(this.bytes, rows));
  }
  *[Symbol.iterator](): Iterator<boolean> {
    for (const byte of this.bytes) yield byte !== 0;
  }
}

/** Addresses, 4 or 16 bytes each, read as text. */
export class AddressColumn {
  readonly bytes: Uint8Array;
  /** Bytes of one. */
  readonly width: number;

  constructor(bytes: Uint8Array, width = 16) {
    this.bytes = bytes;
    this.width = width;
  }
  get length(): number {
    return this.bytes.length / this.width;
  }
  at(row: number): string | undefined {
    if (!(row >= 0 && row < this.length)) return undefined;
    return formatAddress(this.bytes.subarray(row * this.width, (row + 1) * this.width));
  }
  take(rows: Uint32Array): AddressColumn {
    return new AddressColumn(takeNumbers(this.bytes, elementsOf(rows, this.width)), this.width);
  }
  *[Symbol.iterator](): Iterator<string> {
    for (let row = 0; row < this.length; row++) yield this.at(row)!;
  }
}

/** Integers of 16 bytes, read as BigInts: two words each, the low one first. */
export class WideColumn {
  readonly words: BigUint64Array;
  readonly signed: boolean;

  constructor(words: BigUint64Array, signed: boolean) {
    this.words = words;
    this.signed = signed;
  }
  get length(): number {
    return this.words.length / 2;
  }
  at(row: number): bigint | undefined {
    if (!(row >= 0 && row < this.length)) return undefined;
    const value = (this.words[2 * row + 1]! << 64n) | this.words[2 * row]!;
    return this.signed ? BigInt.asIntN(128, value) : value;
  }
  take(rows: Uint32Array): WideColumn {
    return new WideColumn(takeNumbers(this.words, elementsOf(rows, 2)), this.signed);
  }
  *[Symbol.iterator](): Iterator<bigint> {
    for (let row = 0; row < this.length; row++) yield this.at(row)!;
  }
}

/** Arrays of one length: row i is a slice of `values`, which may be a column of any kind. */
export class ListColumn<Values extends ScalarColumn = TypedArray> {
  readonly values: Values;
  /** Elements of a row. */
  readonly size: number;

  constructor(values: Values, size: number) {
    this.values = values;
    this.size = size;
  }
  get length(): number {
    return this.values.length / this.size;
  }
  at(row: number): unknown {
    const { values, size } = this;
    if (!(row >= 0 && row < this.length)) return undefined;
    if (ArrayBuffer.isView(values)) return values.subarray(row * size, (row + 1) * size);
    return Array.from({ length: size }, (_, i) => values.at(row * size + i));
  }
  take(rows: Uint32Array): ListColumn<Values> {
    return new ListColumn(takeRows(this.values, elementsOf(rows, this.size)), this.size);
  }
  *[Symbol.iterator](): Iterator<unknown> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }
}

/** A column of one value a row. */
export type ScalarColumn = TypedArray | DictionaryColumn | BooleanColumn | AddressColumn | WideColumn;

/** A column as streams make them. */
export type EventColumn = ScalarColumn | ListColumn<any> | TailColumn | OptionalColumn;

/** A column as only files have them. */
export type FileColumn = Int64Column | TimestampColumn | NullableColumn<any>;

/**
 * One table of the rows of all, in order. Columns stay what they are: typed arrays are
 * copied once, dictionaries are shared or merged; what was lost from any of them stays known. Columns that are not of one kind in all
 * tables, or of another kind than streams make, become arrays.
 *
 * @throws ArgumentError when the tables do not have the same columns
 */
export function concatTables(tables: readonly ColumnTable[]): ColumnTable {
  const first = tables[0];
  if (!first) return makeTable({});
  if (tables.length === 1) return first;
  const names = first.columnNames();
  const odd = tables.find((t) => t.numCols() !== names.length || names.some((name) => t.columnIndex(name) < 0));
  if (odd)
    throw new ArgumentError(
      `Tables of different columns cannot be put together: one has ${listNames(names)}, another ${listNames(odd.columnNames())}.`,
    );
  const plain = tables.map((t) => reifyRows(t));
  const columns = names.map(
    (name) => [name, concatColumns(plain.map((t) => t.column(name) as unknown as AnyColumn))] as const,
  );
  return markSources(makeTable(Object.fromEntries(columns) as Record<string, never>), tables);
}

/** The first rows of a table of events; columns stay what they are. */
export function firstRows(table: ColumnTable, rows: number): ColumnTable {
  const plain = reifyRows(table);
  const columns = plain
    .columnNames()
    .map((name) => [name, firstOf(plain.column(name) as unknown as AnyColumn, rows)] as const);
  return withColumns(plain, Object.fromEntries(columns));
}

function firstOf(column: AnyColumn, rows: number): AnyColumn {
  if (column instanceof DictionaryColumn)
    return new DictionaryColumn(firstOf(column.codes, rows) as Uint32Array, column.dictionary);
  if (column instanceof BooleanColumn) return new BooleanColumn(firstOf(column.bytes, rows) as Uint8Array);
  if (column instanceof AddressColumn)
    return new AddressColumn(firstOf(column.bytes, rows * column.width) as Uint8Array, column.width);
  if (column instanceof WideColumn)
    return new WideColumn(firstOf(column.words, rows * 2) as BigUint64Array, column.signed);
  if (column instanceof ListColumn)
    return new ListColumn(firstOf(column.values as EventColumn, rows * column.size) as TypedArray, column.size);
  if (column instanceof TailColumn) return column.first(rows);
  if (column instanceof OptionalColumn)
    return new OptionalColumn(
      firstOf(column.values, rows) as EventColumn,
      firstOf(column.types, rows) as Uint32Array,
      column.has,
    );
  // A few rows should not hold the memory of many.
  return ArrayBuffer.isView(column) && rows * 2 > column.length
    ? column.subarray(0, rows)
    : (column as unknown[]).slice(0, rows);
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
    const columns = parts as OptionalColumn[];
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
