import { DictionaryColumn } from "../streams/event-columns.js";

/**
 * Columns as they travel: text with a dictionary of the strings of these rows only; whole numbers as the differences
 * from one to the next where those are smaller, and in as few bytes as they need. So times take four bytes and not eight,
 * and what is left deflates well.
 */
export interface Encoding {
  /** Of differences from one to the next: the first number. */
  from?: number;
  /** The name of the array that the column was. */
  was: string;
}

type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Int16Array;

const arrays = { Float64Array, Uint32Array, Int32Array, Uint16Array, Int16Array } as const;

/** The column as it travels, and how to undo it; undefined where it stays what it is. */
export function encoded(column: unknown): { column: unknown; encoding?: Encoding } {
  if (column instanceof DictionaryColumn) return { column: used(column) };
  const was = (column as object).constructor.name;
  if (!(was in arrays)) return { column };
  const values = column as Numbers;
  if (!values.every(isWhole)) return { column };
  const [plain, delta] = [rangeOf(values, false), rangeOf(values, true)];
  const isDelta = widthOf(delta) < widthOf(plain);
  const width = Math.min(widthOf(delta), widthOf(plain));
  if (width >= values.BYTES_PER_ELEMENT) return { column };
  const Small = width === 1 ? Int8Array : width === 2 ? Int16Array : Int32Array;
  const small = new Small(values.length);
  for (let i = isDelta ? 1 : 0; i < small.length; i++) small[i] = isDelta ? values[i]! - values[i - 1]! : values[i]!;
  return { column: small, encoding: { was, ...(isDelta ? { from: values[0] ?? 0 } : {}) } };
}

/** @throws Error for an encoding that is none */
export function decoded(column: unknown, { from, was }: Encoding): unknown {
  const Was = Object.hasOwn(arrays, was) ? arrays[was as keyof typeof arrays] : undefined;
  if (!Was || !ArrayBuffer.isView(column)) throw new Error(`${was} is no encoding`);
  const small = column as Int32Array;
  const values = new Was(small.length);
  values.set(small);
  if (from === undefined) return values;
  for (let i = 0; i < values.length; i++) values[i] = i === 0 ? from : values[i - 1]! + small[i]!;
  return values;
}

const isWhole = (value: number) => Number.isSafeInteger(value) && !Object.is(value, -0);

/** Of the numbers, or of the differences. */
function rangeOf(values: Numbers, delta: boolean): [least: number, most: number] {
  let [least, most] = [0, 0];
  for (let i = delta ? 1 : 0; i < values.length; i++) {
    const value = delta ? values[i]! - values[i - 1]! : values[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

function widthOf([least, most]: [number, number]): number {
  for (const width of [1, 2, 4]) if (least >= -(2 ** (8 * width - 1)) && most < 2 ** (8 * width - 1)) return width;
  return 8;
}

function used({ codes, dictionary }: DictionaryColumn): DictionaryColumn {
  const places = new Map<number, number>();
  const recoded = codes.map((code) => places.get(code) ?? (places.set(code, places.size), places.size - 1));
  return new DictionaryColumn(
    recoded,
    [...places.keys()].map((code) => dictionary[code]!),
  );
}
