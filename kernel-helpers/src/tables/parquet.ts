/** Tables as Parquet files: what DuckDB, pandas, Spark and most other tools read by themselves. */
import { type ColumnTable, table as makeTable } from "arquero";
import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaElement,
} from "hyparquet";
import { parquetWriteFile } from "hyparquet-writer";
import { BooleanColumn, concatTables, DictionaryColumn, ListColumn } from "../streams/columns.js";
import { type Column, isTextColumn } from "./columns.js";
import { columnFrom } from "./from-values.js";

type Metadata = Record<string, string>;

/** Rows that are written and read at once: what bounds the memory beside the table's own. */
const ROW_GROUP = 1_000_000;

/** Writes a table, neither filtered nor ordered, with metadata of its own. */
export async function writeParquet(table: ColumnTable, filename: string, metadata: Metadata): Promise<void> {
  const columns = table.columnNames().map((name) => encode(name, table.column(name) as Column));
  await parquetWriteFile({
    filename,
    columnData: columns.map(({ elements, data }) => ({ name: elements[0]!.name, data: data as never })),
    schema: [{ name: "root", num_children: columns.length }, ...columns.flatMap(({ elements }) => elements)],
    rowGroupSize: ROW_GROUP,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

/** Reads a table and the file's metadata. */
export async function readParquet(path: string): Promise<{ table: ColumnTable; metadata: Metadata }> {
  const file = await asyncBufferFromFile(path);
  const facts: FileMetaData = await parquetMetadataAsync(file);
  const names = parquetSchema(facts).children.map(({ element }) => element.name);
  const groups: ColumnTable[] = [];
  let row = 0;
  for (const { num_rows } of facts.row_groups) {
    const parts = new Map<string, unknown[]>();
    const rowEnd = row + Number(num_rows);
    await parquetRead({
      file,
      metadata: facts,
      rowStart: row,
      rowEnd,
      onChunk: ({ columnName, columnData }) =>
        void parts.set(columnName, [...(parts.get(columnName) ?? []), columnData]),
    });
    groups.push(
      makeTable(
        Object.fromEntries(names.map((name) => [name, decode(parts.get(name) as ArrayLike<unknown>[])])) as never,
      ),
    );
    row = rowEnd;
  }
  const metadata = Object.fromEntries((facts.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""]));
  return { table: groups.length === 0 ? withoutRows(facts) : concatTables(groups), metadata };
}

/** A file without rows still has columns. */
function withoutRows(facts: FileMetaData): ColumnTable {
  const columns = parquetSchema(facts).children.map(({ element: { name, type } }) => [
    name,
    type === "BYTE_ARRAY" ? new DictionaryColumn(new Uint32Array(0), []) : new Float64Array(0),
  ]);
  return makeTable(Object.fromEntries(columns) as never);
}

/** A column's Parquet type (of a list: its three levels), and its values as the writer takes them. */
function encode(name: string, column: Column): { elements: SchemaElement[]; data: unknown } {
  if (!(column instanceof ListColumn)) {
    const { element, data } = encodePlain(name, column);
    return { elements: [element], data };
  }
  const { element, data } = encodePlain("element", column.values as unknown as Column);
  const flat = Array.from(data as ArrayLike<unknown>);
  const levels = [
    { name, repetition_type: "REQUIRED", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
  ] as const;
  return {
    elements: [...levels, element],
    data: Array.from({ length: column.length }, (_, row) => flat.slice(row * column.size, (row + 1) * column.size)),
  };
}

function encodePlain(name: string, column: Column): { element: SchemaElement; data: unknown } {
  const element = (facts: Partial<SchemaElement>) => ({ name, repetition_type: "REQUIRED", ...facts }) as SchemaElement;
  if (column instanceof BooleanColumn) return { element: element({ type: "BOOLEAN" }), data: Array.from(column) };
  if (isTextColumn(column))
    return {
      element: element({ type: "BYTE_ARRAY", converted_type: "UTF8" }),
      data: Array.from(column as unknown as Iterable<string>),
    };
  if (column instanceof Float64Array) return { element: element({ type: "DOUBLE" }), data: column };
  if (column instanceof Float32Array) return { element: element({ type: "FLOAT" }), data: column };
  if (column instanceof BigInt64Array) return { element: element({ type: "INT64" }), data: column };
  if (column instanceof BigUint64Array)
    return { element: element({ type: "INT64", converted_type: "UINT_64" }), data: column };
  // The writer takes no unsigned number beyond the signed ones' range, which a double holds as exactly.
  if (column instanceof Uint32Array && column.some((value) => value > 0x7fffffff))
    return { element: element({ type: "DOUBLE" }), data: Float64Array.from(column) };
  if (column instanceof Uint32Array)
    return { element: element({ type: "INT32", converted_type: "UINT_32" }), data: column };
  if (ArrayBuffer.isView(column))
    return { element: element({ type: "INT32" }), data: Int32Array.from(column as unknown as Int32Array) };

  // A column of plain values, where some may be missing.
  const values = Array.from({ length: column.length }, (_, row) => column.at(row) ?? undefined);
  const optional = (facts: Partial<SchemaElement>) => ({
    element: element({ repetition_type: "OPTIONAL", ...facts }),
    data: values,
  });
  const areAll = (is: (value: unknown) => boolean) => values.every((value) => value === undefined || is(value));
  if (areAll((value) => typeof value === "number")) return optional({ type: "DOUBLE" });
  if (areAll((value) => typeof value === "bigint")) return optional({ type: "INT64" });
  if (areAll((value) => typeof value === "boolean")) return optional({ type: "BOOLEAN" });
  if (areAll((value) => typeof value === "string")) return optional({ type: "BYTE_ARRAY", converted_type: "UTF8" });
  if (areAll((value) => value instanceof Date)) return optional({ type: "INT64", converted_type: "TIMESTAMP_MILLIS" });
  return optional({ type: "BYTE_ARRAY", converted_type: "JSON" });
}

/** The chunks of a column within one group of rows as one column. */
function decode(chunks: readonly ArrayLike<unknown>[]): unknown {
  const [first] = chunks;
  if (chunks.length === 1) return columnFrom(first!);
  return columnFrom(
    chunks.every((chunk) => ArrayBuffer.isView(chunk)) ? joined(chunks) : chunks.flatMap((chunk) => Array.from(chunk)),
  );
}

function joined(chunks: readonly ArrayLike<unknown>[]): ArrayLike<unknown> {
  const all = new (chunks[0]!.constructor as new (length: number) => Float64Array)(
    chunks.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk as never, at);
    at += chunk.length;
  }
  return all;
}
