import { AddressColumn, BooleanColumn, DictionaryColumn, ListColumn, WideColumn } from "../streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn } from "../streams/file-columns.js";
import type { AnyColumn } from "../streams/take.js";

/** Values of several kinds, which a file can hold as JSON only. */
export class JsonColumn {
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values.map(plain);
  }
  get length(): number {
    return this.values.length;
  }
  at(row: number): unknown {
    return this.values[row];
  }
}

/** As JSON has it: arrays for typed arrays, and numbers, or text where they are too large, for BigInts. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, plain);
  return Array.isArray(value) ? value.map(plain) : value;
}

/** A column of a kind that files have, with the same values: text for addresses and for integers beyond 64 bits. */
export function storable(column: AnyColumn): AnyColumn {
  if (column instanceof ListColumn) {
    const values = storable(column.values as AnyColumn);
    return values === column.values ? column : new ListColumn(values as never, column.size);
  }
  if (column instanceof AddressColumn) return textColumn([...column]);
  if (column instanceof WideColumn) return textColumn(Array.from(column, String));
  if (column instanceof NullableColumn) {
    const values = storable(column.values as AnyColumn);
    return values === column.values ? column : new NullableColumn(values, column.valid);
  }
  const known = [BooleanColumn, DictionaryColumn, Int64Column, TimestampColumn];
  if (ArrayBuffer.isView(column) || known.some((Kind) => column instanceof Kind)) return column;
  return fromValues(Array.from({ length: column.length }, (_, row) => column.at(row) ?? null));
}

const kindOf = (value: unknown) => (value instanceof Date ? "date" : typeof value);

/** Plain values, null where there is none. */
function fromValues(values: unknown[]): AnyColumn {
  const given = values.filter((value) => value !== null);
  const kinds = new Set(given.map(kindOf));
  if (kinds.size === 0) return textColumn(values as null[]);
  const [kind] = kinds;
  if (kinds.size === 2 && kinds.has("number") && kinds.has("bigint") && given.every(isWhole)) return integers(values);
  if (kinds.size > 1) return new JsonColumn(values);
  switch (kind) {
    case "string":
      return textColumn(values as (string | null)[]);
    case "number":
      return gapped(values, new Float64Array(values.map((value) => (value ?? 0) as number)));
    case "boolean":
      return gapped(values, new BooleanColumn(Uint8Array.from(values, Number)));
    case "date":
      return gapped(
        values,
        new TimestampColumn(
          BigInt64Array.from(values, (value) => BigInt((value as Date | null)?.getTime() || 0)),
          "ms",
        ),
        (value) => value !== null && !Number.isNaN((value as Date).getTime()),
      );
    case "bigint":
      return bigints(values as (bigint | null)[], given as bigint[]);
    default:
      return new JsonColumn(values);
  }
}

const isWhole = (value: unknown) => typeof value === "bigint" || Number.isSafeInteger(value);

/** What a verb of arquero made of an Int64Column: numbers, and BigInts where these do not reach. */
function integers(values: unknown[]): AnyColumn {
  const whole = values.map((value) => (value === null ? null : BigInt(value as number)));
  const column = bigints(
    whole,
    whole.filter((value) => value !== null),
  );
  const numbers = column instanceof NullableColumn ? (column.values as unknown) : column;
  if (!(numbers instanceof BigInt64Array || numbers instanceof BigUint64Array)) return column;
  const readable = new Int64Column(numbers);
  return column instanceof NullableColumn ? new NullableColumn(readable, column.valid) : readable;
}

function bigints(values: (bigint | null)[], given: bigint[]): AnyColumn {
  const fit = (bits: (width: number, value: bigint) => bigint) => given.every((value) => bits(64, value) === value);
  const filled = values.map((value) => value ?? 0n);
  if (fit(BigInt.asIntN)) return gapped(values, BigInt64Array.from(filled));
  if (fit(BigInt.asUintN)) return gapped(values, BigUint64Array.from(filled));
  return textColumn(values.map((value) => (value === null ? null : String(value))));
}

function gapped(
  values: readonly unknown[],
  column: AnyColumn,
  isGiven: (value: unknown) => boolean = (value) => value !== null,
): AnyColumn {
  return values.every(isGiven)
    ? column
    : new NullableColumn(
        column,
        Uint8Array.from(values, (value) => Number(isGiven(value))),
      );
}

/** Text, each distinct string once. */
export function textColumn(texts: readonly (string | null)[]): AnyColumn {
  const known = new Map<string, number>();
  const codes = new Uint32Array(texts.length);
  const valid = new Uint8Array(texts.length);
  let gaps = 0;
  for (let row = 0; row < texts.length; row++) {
    const text = texts[row]!;
    if (text === null) {
      gaps++;
      continue;
    }
    let code = known.get(text);
    if (code === undefined) known.set(text, (code = known.size));
    codes[row] = code;
    valid[row] = 1;
  }
  const column = new DictionaryColumn(codes, [...known.keys()]);
  return gaps === 0 ? column : new NullableColumn(column, valid);
}
