/** Tables as Parquet files: what DuckDB, pandas, Spark and most other tools read by themselves. */
import type { ColumnTable } from "arquero";
import type { SchemaElement } from "hyparquet";
import { parquetWrite } from "hyparquet-writer";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn } from "../streams/file-columns.js";
import type { AnyColumn } from "../streams/take.js";
import type { Metadata } from "./file-contents.js";
import { ParquetFile } from "./parquet-file.js";
import { storable } from "./storable.js";

/** Rows that are written at once: what bounds the memory beside the table's own. */
const ROW_GROUP = 1_000_000;

/** Writes a table, neither filtered nor ordered, with metadata of its own. */
export function writeParquet(table: ColumnTable, filename: string, metadata: Metadata): void {
  const columns = table.columnNames().map((name) => encode(name, storable(table.column(name) as unknown as AnyColumn)));
  const writer = new ParquetFile(filename);
  try {
    void parquetWrite({
      writer,
      columnData: columns.map(({ elements, data, statistics }) => ({
        name: elements[0]!.name,
        data: data as never,
        ...(statistics === undefined ? {} : { statistics }),
      })),
      schema: [{ name: "root", num_children: columns.length }, ...columns.flatMap(({ elements }) => elements)],
      rowGroupSize: ROW_GROUP,
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  } finally {
    writer.close();
  }
}

interface Encoded {
  elements: SchemaElement[];
  data: ArrayLike<unknown>;
  statistics?: boolean;
}

/** A column's Parquet type (of a list: its three levels), and its values as the writer takes them. */
function encode(name: string, column: AnyColumn): Encoded {
  if (column instanceof NullableColumn) {
    const { elements, data, statistics } = encode(name, column.values as AnyColumn);
    const { valid } = column;
    const withGaps = Array.from(valid, (given, row) => (given ? data[row] : null));
    return {
      elements: [{ ...elements[0]!, repetition_type: "OPTIONAL" }, ...elements.slice(1)],
      data: withGaps,
      ...(statistics === undefined ? {} : { statistics }),
    };
  }
  if (column instanceof ListColumn) {
    const { elements, data } = encode("element", column.values as AnyColumn);
    const flat = Array.from(data);
    const levels = [
      { name, repetition_type: "REQUIRED", num_children: 1, converted_type: "LIST" },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
    ] as const;
    return {
      elements: [...levels, ...elements],
      data: Array.from({ length: column.length }, (_, row) => flat.slice(row * column.size, (row + 1) * column.size)),
      statistics: false,
    };
  }
  const as = (facts: Partial<SchemaElement>, data: ArrayLike<unknown>, statistics?: boolean): Encoded => ({
    elements: [{ name, repetition_type: "REQUIRED", ...facts } as SchemaElement],
    data,
    ...(statistics === undefined ? {} : { statistics }),
  });
  if (column instanceof BooleanColumn) return as({ type: "BOOLEAN" }, Array.from(column));
  if (column instanceof DictionaryColumn) return as({ type: "BYTE_ARRAY", converted_type: "UTF8" }, Array.from(column));
  if (column instanceof Int64Column) return encode(name, column.values as unknown as AnyColumn);
  if (column instanceof TimestampColumn) return encodeMoments(column, as);
  if (column instanceof Float64Array) return as({ type: "DOUBLE" }, column);
  if (column instanceof Float32Array) return as({ type: "FLOAT" }, column);
  if (column instanceof BigInt64Array) return as({ type: "INT64" }, column);
  if (column instanceof BigUint64Array) return as({ type: "INT64", converted_type: "UINT_64" }, column);
  // Beyond 2^31 the writer takes them from an array only.
  if (column instanceof Uint32Array)
    return as(
      { type: "INT32", converted_type: "UINT_32" },
      column.some((value) => value > 0x7fffffff) ? Array.from(column) : column,
      false,
    );
  for (const [Kind, converted_type] of small)
    if (column instanceof Kind) return as({ type: "INT32", converted_type }, Int32Array.from(column));
  if (column instanceof Int32Array) return as({ type: "INT32" }, column);
  const values = Array.from({ length: column.length }, (_, row) => column.at(row) ?? null);
  return as({ type: "BYTE_ARRAY", converted_type: "JSON", repetition_type: "OPTIONAL" }, values);
}

const small = [
  [Uint8Array, "UINT_8"],
  [Int8Array, "INT_8"],
  [Uint16Array, "UINT_16"],
  [Int16Array, "INT_16"],
] as const;

function encodeMoments(
  { values, unit, utc }: TimestampColumn,
  as: (facts: Partial<SchemaElement>, data: ArrayLike<unknown>) => Encoded,
): Encoded {
  if (unit === "day") return as({ type: "INT32", converted_type: "DATE" }, Int32Array.from(values, Number));
  const units = { s: "MILLIS", ms: "MILLIS", us: "MICROS", ns: "NANOS" } as const; // Parquet has no seconds
  // DuckDB and others round nanoseconds of UTC to microseconds: that they are of UTC stands in the metadata.
  const logical_type = { type: "TIMESTAMP", isAdjustedToUTC: utc && unit !== "ns", unit: units[unit] } as const;
  return as({ type: "INT64", logical_type }, unit === "s" ? values.map((value) => value * 1000n) : values);
}
