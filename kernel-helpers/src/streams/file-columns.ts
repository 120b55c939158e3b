import { endianness } from "node:os";
import { type AnyColumn, takeNumbers, takeRows } from "./take.js";

// What files hold and streams do not: integers of 64 bits that are to be reckoned with, moments, and gaps. What a column
// is depends on the type that the file gives it, and never on its values.

const [LOW, HIGH] = endianness() === "LE" ? [0, 1] : [1, 0];

/**
 * Integers of 64 bits, read as numbers, with which expressions can reckon. One beyond 2^53, which a number cannot hold,
 * is read as a BigInt: it is never rounded.
 */
export class Int64Column {
  readonly values: BigInt64Array | BigUint64Array;
  readonly #words: Int32Array | Uint32Array;

  constructor(values: BigInt64Array | BigUint64Array) {
    this.values = values;
    const Words = values instanceof BigInt64Array ? Int32Array : Uint32Array;
    this.#words = new Words(values.buffer as ArrayBuffer, values.byteOffset, values.length * 2);
  }
  get length(): number {
    return this.values.length;
  }
  at(row: number): number | bigint | undefined {
    const high = this.#words[2 * row + HIGH];
    if (high === undefined) return undefined;
    // From -2^53 up to, not including, 2^53; the words tell it without making a BigInt.
    if (high >= -0x200000 && high < 0x200000) return high * 2 ** 32 + (this.#words[2 * row + LOW]! >>> 0);
    return this.values[row];
  }
  take(rows: Uint32Array): Int64Column {
    return new Int64Column(takeNumbers(this.values, rows));
  }
  *[Symbol.iterator](): Iterator<number | bigint> {
    for (let row = 0; row < this.length; row++) yield this.at(row)!;
  }
}

/** What a moment is counted in, since 1970. */
export type TimestampUnit = "day" | "s" | "ms" | "us" | "ns";

const perMillisecond = { day: 1 / 86_400_000, s: 1 / 1000, ms: 1, us: 1000, ns: 1_000_000 };

/** Moments, read as Dates, which know milliseconds; `values` has them in full. */
export class TimestampColumn {
  readonly values: BigInt64Array;
  readonly unit: TimestampUnit;
  /** True for moments of UTC; false for what a clock on a wall showed, nobody says where. */
  readonly utc: boolean;

  constructor(values: BigInt64Array, unit: TimestampUnit, utc = true) {
    this.values = values;
    this.unit = unit;
    this.utc = utc;
  }
  get length(): number {
    return this.values.length;
  }
  at(row: number): Date | undefined {
    const value = this.values[row];
    if (value === undefined) return undefined;
    const scale = perMillisecond[this.unit];
    return new Date(scale > 1 ? Number(floor(value, BigInt(scale))) : Number(value) / scale);
  }
  take(rows: Uint32Array): TimestampColumn {
    return new TimestampColumn(takeNumbers(this.values, rows), this.unit, this.utc);
  }
  *[Symbol.iterator](): Iterator<Date> {
    for (let row = 0; row < this.length; row++) yield this.at(row)!;
  }
}

const floor = (value: bigint, by: bigint) => value / by - (value < 0n && value % by !== 0n ? 1n : 0n);

/** A column that has no value in some of its rows: null is read there. */
export class NullableColumn<Values extends AnyColumn> {
  readonly values: Values;
  /** One byte per row: 0 where there is none. */
  readonly valid: Uint8Array;

  constructor(values: Values, valid: Uint8Array) {
    this.values = values;
    this.valid = valid;
  }
  get length(): number {
    return this.valid.length;
  }
  at(row: number): unknown {
    const valid = this.valid[row];
    return valid === undefined ? undefined : valid === 0 ? null : this.values.at(row);
  }
  take(rows: Uint32Array): NullableColumn<Values> {
    return new NullableColumn(takeRows(this.values, rows), takeNumbers(this.valid, rows));
  }
  *[Symbol.iterator](): Iterator<unknown> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }
}
