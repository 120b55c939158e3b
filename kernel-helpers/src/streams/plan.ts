import type { Layout } from "../bpf/btf.js";
import { flatten, type FlatField } from "../bpf/flatten.js";
import type { Plan, PlanColumn } from "../base/native.js";
import { ArgumentError } from "../base/errors.js";
import { unknownName } from "../base/names.js";
import { AddressColumn, BooleanColumn, DictionaryColumn, ListColumn, WideColumn, type EventColumn } from "./columns.js";

/** How the drain thread decodes a record, and how its memory becomes columns here. */
export interface RecordPlan {
  native: Plan;
  columns: {
    name: string;
    make: (buffer: ArrayBuffer, offset: number, rows: number, dictionary: string[]) => EventColumn;
  }[];
}

type ArrayType = new (buffer: ArrayBuffer, offset: number, length: number) => EventColumn;

const arrays: Record<PlanColumn["decode"], ArrayType> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: Float64Array,
  i64: Float64Array,
  u64_exact: BigUint64Array,
  i64_exact: BigInt64Array,
  u16_be: Uint16Array,
  bits: Float64Array,
  text: Uint32Array,
  enum: Uint32Array,
};

/**
 * The plan for a record of this layout: made once, followed for every record.
 *
 * @param bigint names of 64-bit columns that are to be BigInts
 * @throws ArgumentError for a name in `bigint` that is no 64-bit column
 */
export function planRecord(owner: string, record: Layout, bigint: readonly string[] = []): RecordPlan {
  const fields = flatten(record);
  const wide = fields
    .filter(({ layout }) => scalarOf(layout).size === 8 && ["int", "pointer"].includes(scalarOf(layout).kind))
    .map((f) => f.name);
  for (const name of bigint) if (!wide.includes(name)) throw unknownName("64-bit column", owner, name, wide);
  const planned = fields.map((field) => ({ field, column: planColumn(field, bigint.includes(field.name)) }));
  return {
    native: { recordSize: record.size, columns: planned.map((p) => p.column) },
    columns: planned.map(({ field, column }) => ({ name: field.name, make: maker(field, column) })),
  };
}

function scalarOf(layout: Layout): Layout {
  return layout.kind === "array" ? layout.element : layout;
}

function planColumn(field: FlatField, exact: boolean): PlanColumn {
  const { layout, offset, bits } = field;
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
    if (scalar.kind === "enum") return { ...place, decode: "enum", signed: scalar.signed, labels: scalar.values };
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
      if (scalar.bigEndian) return { ...common, decode: "u16_be" };
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

function maker(
  { layout }: FlatField,
  { decode, count: elements = 1 }: PlanColumn,
): RecordPlan["columns"][number]["make"] {
  const Values = arrays[decode];
  const scalar = scalarOf(layout);
  const count = layout.kind === "array" ? layout.length : 1;
  return (buffer, offset, rows, dictionary) => {
    const scalars = scalarColumn(scalar, new Values(buffer, offset, rows * elements), dictionary);
    if (scalar.kind === "bytes") return new ListColumn(scalars as Uint8Array, scalar.size);
    return count === 1 ? scalars : new ListColumn(scalars as never, count);
  };
}

function scalarColumn(layout: Layout, values: EventColumn, dictionary: string[]): EventColumn {
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
