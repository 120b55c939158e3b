import { formatAddress } from "../bpf/address.js";
import type { Int64Column, NullableColumn, TimestampColumn } from "./file-columns.js";
import { elementsOf, takeNumbers, takeRows } from "./take.js";
import type { OptionalColumn, TailColumn } from "./varying-columns.js";

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
export type TypedArray = NumberArray | BigInt64Array | BigUint64Array;

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
export type EventColumn = ScalarColumn | ListColumn<any> | TailColumn | OptionalColumn<EventColumn>;

/** A column as only files have them. */
export type FileColumn = Int64Column | TimestampColumn | NullableColumn<any>;
