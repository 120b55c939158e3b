import { decode, viewOf } from "../bpf/codec.js";
import type { Layout } from "../bpf/btf.js";

// Columns whose rows differ in more than their values: in length, or in whether there is a value at all.

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

type TailView = (bytes: Uint8Array) => unknown;

/** How the end of a record is read: bytes as they are, `char[]` as text to its first NUL, others element by element. */
export function tailView(element: Layout | "char"): TailView {
  if (element === "char")
    return (bytes) => {
      const end = bytes.indexOf(0);
      return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
    };
  if (element.kind === "bytes" || (element.kind === "int" && element.size === 1 && !element.signed))
    return (bytes) => bytes;
  return (bytes) => {
    const length = Math.floor(bytes.length / element.size);
    return decode({ kind: "array", size: length * element.size, element, length }, viewOf(bytes));
  };
}

/** The ends of records, each as long as its record left it: row i is what `view` makes of its bytes in the heap. */
export class TailColumn {
  /** For each row, where its bytes end; they begin where the row's before it end. */
  readonly ends: Float64Array;
  readonly heap: Uint8Array;
  readonly view: TailView;

  constructor(ends: Float64Array, heap: Uint8Array, view: TailView) {
    this.ends = ends;
    this.heap = heap;
    this.view = view;
  }
  get length(): number {
    return this.ends.length;
  }
  at(row: number): unknown {
    if (!(row >= 0 && row < this.length)) return undefined;
    return this.view(this.heap.subarray(row > 0 ? this.ends[row - 1] : 0, this.ends[row]));
  }
  *[Symbol.iterator](): Iterator<unknown> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }

  /** All rows of several, in order. */
  static concat(parts: readonly TailColumn[]): TailColumn {
    const ends = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    const heap = new Uint8Array(parts.reduce((sum, part) => sum + part.#used, 0));
    let [row, at] = [0, 0];
    for (const part of parts) {
      heap.set(part.heap.subarray(0, part.#used), at);
      for (const end of part.ends) ends[row++] = at + end;
      at += part.#used;
    }
    return new TailColumn(ends, heap, parts[0]!.view);
  }

  first(rows: number): TailColumn {
    const ends = this.ends.slice(0, rows);
    return new TailColumn(ends, this.heap.slice(0, ends.at(-1) ?? 0), this.view);
  }

  get #used(): number {
    return this.ends.at(-1) ?? 0;
  }
}

/** A field that not every type of record has: undefined in the rows of those without it. */
export class OptionalColumn<Values extends { at(row: number): unknown }> {
  readonly values: Values;
  /** The number of each row's type. */
  readonly types: Uint32Array;
  /** By that number, whether the type has the field. */
  readonly has: readonly boolean[];

  constructor(values: Values, types: Uint32Array, has: readonly boolean[]) {
    this.values = values;
    this.types = types;
    this.has = has;
  }
  get length(): number {
    return this.types.length;
  }
  at(row: number): unknown {
    return this.has[this.types[row]!] ? this.values.at(row) : undefined;
  }
  *[Symbol.iterator](): Iterator<unknown> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }
}
