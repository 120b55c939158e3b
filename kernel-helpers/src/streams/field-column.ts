import type { Layout } from "../bpf/btf.js";
import { labelsInBits } from "../bpf/codec.js";
import type { FlatField } from "../bpf/flatten.js";
import type { PlanColumn } from "../base/native.js";
import { ArgumentError } from "../base/errors.js";
import {
  AddressColumn,
  BooleanColumn,
  DictionaryColumn,
  ListColumn,
  WideColumn,
  type EventColumn,
  type ScalarColumn,
} from "./event-columns.js";
import { TailColumn, tailView } from "./varying-columns.js";

/** A field as a column; the last of a record that may be longer or shorter is its tail. */
export interface RecordField extends FlatField {
  tail?: { element: Layout | "char"; size: number; most: number };
}

/** A column as the addon hands it over. */
export interface ColumnMemory {
  buffer: ArrayBuffer;
  offset: number;
  rows: number;
  dictionary: string[];
  heap: ArrayBuffer | undefined;
}

export type ColumnMaker = (memory: ColumnMemory) => EventColumn;

export const heapOf = (heap: ArrayBuffer | undefined): Uint8Array => new Uint8Array(heap ?? new ArrayBuffer(0));

/** What an array is of; anything else is of itself. */
export function scalarOf(layout: Layout): Layout {
  return layout.kind === "array" ? layout.element : layout;
}

/** How the addon decodes a field. @throws ArgumentError for what no column can hold */
export function planColumn(field: RecordField, exact: boolean): PlanColumn {
  const { layout, offset, bits, tail } = field;
  if (tail) return { decode: "tail", offset, width: tail.size, ...(tail.most ? { most: tail.most } : {}) };
  const scalar = scalarOf(layout);
  const count = layout.kind === "array" ? layout.length : 1;
  const common = { offset, count };
  if (bits) {
    const width = Math.ceil((bits.offset + bits.size) / 8);
    if (width > 8 || bits.size > 63)
      throw new ArgumentError(
        `The bit field ${field.name} does not lie in 8 bytes, so no column can hold it; make it a field of its own.`,
      );
    const place = { ...common, width, bitOffset: bits.offset, bitSize: bits.size };
    if (scalar.kind === "enum")
      return { ...place, decode: "enum", signed: scalar.signed, labels: labelsInBits(scalar, bits.size) };
    return { ...place, decode: "bits", signed: scalar.kind === "int" && scalar.signed };
  }
  switch (scalar.kind) {
    case "text":
      return { ...common, decode: "text", width: scalar.size };
    case "enum":
      return { ...common, decode: "enum", width: scalar.size, signed: scalar.signed, labels: scalar.values };
    case "float":
      return { ...common, decode: scalar.size === 4 ? "f32" : "f64" };
    case "bool":
      return { ...common, decode: "u8" };
    case "address":
      return { ...common, decode: "u8", count: count * scalar.size };
    case "bytes":
      return { ...common, decode: "u8", count: scalar.size };
    case "pointer":
      return { ...common, decode: exact ? "u64_exact" : "u64" };
    case "int": {
      if (scalar.bigEndian && scalar.size === 8) return { ...common, decode: exact ? "u64_be_exact" : "u64_be" };
      if (scalar.bigEndian) return { ...common, decode: scalar.size === 2 ? "u16_be" : "u32_be" };
      if (scalar.size === 16) return { ...common, decode: "u64_exact", count: count * 2 };
      if (![1, 2, 4, 8].includes(scalar.size))
        throw new ArgumentError(
          `The field ${field.name} is an integer of ${scalar.size} bytes, which no column can hold; split it in two.`,
        );
      const name = `${scalar.signed ? "i" : "u"}${scalar.size * 8}`;
      return { ...common, decode: (exact ? `${name}_exact` : name) as PlanColumn["decode"] };
    }
    case "array":
    case "struct":
      throw new ArgumentError(`The field ${field.name} cannot be a column.`);
  }
}

type ArrayType = new (buffer: ArrayBuffer, offset: number, length: number) => ScalarColumn;

const arrays: Record<Exclude<PlanColumn["decode"], "tail">, ArrayType> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  u16_be: Uint16Array,
  i16: Int16Array,
  u32_be: Uint32Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: Float64Array,
  u64_be: Float64Array,
  i64: Float64Array,
  u64_exact: BigUint64Array,
  u64_be_exact: BigUint64Array,
  i64_exact: BigInt64Array,
  bits: Float64Array,
  text: Uint32Array,
  enum: Uint32Array,
  variant: Uint32Array,
};

/** How the addon's memory becomes a column. */
export function maker({ layout, tail }: RecordField, { decode, count: elements = 1 }: PlanColumn): ColumnMaker {
  if (decode === "tail") {
    const view = tailView(tail!.element);
    return ({ buffer, offset, rows, heap }) =>
      new TailColumn(new Float64Array(buffer, offset, rows), heapOf(heap), view);
  }
  const Values = arrays[decode];
  const scalar = scalarOf(layout);
  const count = layout.kind === "array" ? layout.length : 1;
  return ({ buffer, offset, rows, dictionary }) => {
    const scalars = scalarColumn(scalar, new Values(buffer, offset, rows * elements), dictionary);
    if (scalar.kind === "bytes") return new ListColumn(scalars as Uint8Array, scalar.size);
    return count === 1 ? scalars : new ListColumn(scalars as never, count);
  };
}

function scalarColumn(layout: Layout, values: ScalarColumn, dictionary: string[]): ScalarColumn {
  switch (layout.kind) {
    case "text":
    case "enum":
      return new DictionaryColumn(values as Uint32Array, dictionary);
    case "bool":
      return new BooleanColumn(values as Uint8Array);
    case "address":
      return new AddressColumn(values as Uint8Array, layout.size);
    case "int":
      return layout.size === 16 ? new WideColumn(values as BigUint64Array, layout.signed) : values;
    case "array":
    case "bytes":
    case "float":
    case "pointer":
    case "struct":
      return values;
  }
}
