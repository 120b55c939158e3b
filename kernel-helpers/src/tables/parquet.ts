/** Tables as Parquet files: what DuckDB, pandas, Spark and most other tools read by themselves. */
import { type ColumnTable, table as makeTable } from "arquero";
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetRead, type SchemaElement } from "hyparquet";
import { parquetWriteFile } from "hyparquet-writer";
import { BooleanColumn, concatTables, DictionaryColumn } from "../streams/columns.js";
import { type Column, isTextColumn } from "./columns.js";

type Metadata = Record<string, string>;

/** Rows that are written and read at once: what bounds the memory beside the table's own. */
const ROW_GROUP = 1_000_000;

/** Writes a table, neither filtered nor ordered, with metadata of its own. */
export async function writeParquet(table: ColumnTable, filename: string, metadata: Metadata): Promise<void> {
  const columns = table.columnNames().map((name) => encode(name, table.column(name) as Column));
  await parquetWriteFile({
    filename,
    columnData: columns.map(({ element, data }) => ({ name: element.name, data: data as never })),
    schema: [{ name: "root", num_children: columns.length }, ...columns.map(({ element }) => element)],
    rowGroupSize: ROW_GROUP,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

/** Reads a table and the file's metadata. */
export async function readParquet(path: string): Promise<{ table: ColumnTable; metadata: Metadata }> {
  const file = await asyncBufferFromFile(path);
  const facts: FileMetaData = await parquetMetadataAsync(file);
  const groups: ColumnTable[] = [];
  let row = 0;
  for (const { num_rows } of facts.row_groups) {
    const parts = new Map<string, unknown[]>();
    const rowEnd = row + Number(num_rows);
    await parquetRead({ file, metadata: facts, rowStart: row, rowEnd, onChunk: ({ columnName, columnData }) => void parts.set(columnName, [...(parts.get(columnName) ?? []), columnData]) });
    groups.push(makeTable(Object.fromEntries([...parts].map(([name, chunks]) => [name, decode(chunks as ArrayLike<unknown>[])])) as never));
    row = rowEnd;
  }
  const metadata = Object.fromEntries((facts.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""]));
  return { table: groups.length === 0 ? withoutRows(facts) : concatTables(groups), metadata };
}

/** A file without rows still has columns. */
function withoutRows({ schema }: FileMetaData): ColumnTable {
  const columns = schema.filter(({ num_children }) => num_children === undefined).map(({ name, type }) => [name, type === "BYTE_ARRAY" ? new DictionaryColumn(new Uint32Array(0), []) : new Float64Array(0)]);
  return makeTable(Object.fromEntries(columns) as never);
}

/** A column's Parquet type, and its values as the writer takes them. */
function encode(name: string, column: Column): { element: SchemaElement; data: unknown } {
  const element = (facts: Partial<SchemaElement>) => ({ name, repetition_type: "REQUIRED", ...facts }) as SchemaElement;
  if (column instanceof BooleanColumn) return { element: element({ type: "BOOLEAN" }), data: Array.from(column) };
  if (isTextColumn(column)) return { element: element({ type: "BYTE_ARRAY", converted_type: "UTF8" }), data: Array.from(column as unknown as Iterable<string>) };
  if (column instanceof Float64Array) return { element: element({ type: "DOUBLE" }), data: column };
  if (column instanceof Float32Array) return { element: element({ type: "FLOAT" }), data: column };
  if (column instanceof BigInt64Array) return { element: element({ type: "INT64" }), data: column };
  if (column instanceof BigUint64Array) return { element: element({ type: "INT64", converted_type: "UINT_64" }), data: column };
  // The writer takes no unsigned number beyond the signed ones' range, which a double holds as exactly.
  if (column instanceof Uint32Array && column.some((value) => value > 0x7fffffff)) return { element: element({ type: "DOUBLE" }), data: Float64Array.from(column) };
  if (column instanceof Uint32Array) return { element: element({ type: "INT32", converted_type: "UINT_32" }), data: column };
  if (ArrayBuffer.isView(column)) return { element: element({ type: "INT32" }), data: Int32Array.from(column as unknown as Int32Array) };
  const values = Array.from({ length: column.length }, (_, row) => column.at(row));
  if (values.every((value) => typeof value === "number")) return { element: element({ type: "DOUBLE" }), data: Float64Array.from(values) };
  const texts = values.map((value) => (value === null || value === undefined ? undefined : typeof value === "object" ? JSON.stringify(value) : String(value)));
  return { element: element({ type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }), data: texts };
}

/** The chunks of a column within one group of rows as one column. */
function decode(chunks: readonly ArrayLike<unknown>[]): unknown {
  const [first] = chunks;
  if (chunks.length > 1) return decode([ArrayBuffer.isView(first) ? joined(chunks) : chunks.flatMap((chunk) => Array.from(chunk))]);
  if (typeof first?.[0] === "boolean") return new BooleanColumn(Uint8Array.from(first as ArrayLike<boolean>, Number));
  if (typeof first?.[0] !== "string") return first;
  const codes = new Map<string, number>();
  const rows = Uint32Array.from(first as ArrayLike<string>, (text) => codes.get(text) ?? (codes.set(text, codes.size), codes.size - 1));
  return new DictionaryColumn(rows, [...codes.keys()]);
}

function joined(chunks: readonly ArrayLike<unknown>[]): ArrayLike<unknown> {
  const all = new (chunks[0]!.constructor as new (length: number) => Float64Array)(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk as never, at);
    at += chunk.length;
  }
  return all;
}
