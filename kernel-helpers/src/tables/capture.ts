/**
 * Captures as files, to be looked at later or elsewhere, without root: Parquet, which nearly every tool reads,
 * or Apache Arrow's IPC file format, which is larger and several times faster. The account of what was lost, and on which
 * machine and kernel, stands in the file's metadata.
 *
 * @example
 * await capture.save(writes, "writes.parquet");
 * const writes = await capture.open("writes.parquet");
 */
import { access, readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { type Column as ArrowColumn, type DataType, dictionary, float64, tableFromIPC, tableToIPC, Type, utf8 } from "@uwdata/flechette";
import { type ColumnTable, table as makeTable, toArrow } from "arquero";
import { ArgumentError, BpflabError } from "../errors.js";
import { BooleanColumn, DictionaryColumn } from "../streams/columns.js";
import { type Capture, captureOf, here, markCapture } from "../streams/loss.js";
import { storedRows } from "./columns.js";
import { readParquet, writeParquet } from "./parquet.js";

const extensions = [".parquet", ".arrow"];
/** The metadata's key; its value is a `Capture` as JSON. */
const metadataKey = "bpflab.capture";

/**
 * Writes a table into a file; text becomes a dictionary, 64-bit integers stay what they are.
 *
 * @param path a name that ends in `.parquet` or `.arrow`; a file of that name is replaced
 * @throws ArgumentError for another ending
 */
export async function save(table: ColumnTable, path: string): Promise<void> {
  const format = formatOf(path);
  const plain = storedRows(table);
  const capture = captureOf(table);
  const metadata: Record<string, string> = capture ? { [metadataKey]: JSON.stringify({ ...here, ...capture }) } : {};
  if (format === ".parquet") return writeParquet(plain, path, metadata);
  const arrow = toArrow(plain, { types: plain.numRows() === 0 ? typesOf(plain) : {} });
  arrow.schema.metadata = new Map(Object.entries(metadata));
  const bytes = tableToIPC(arrow, { format: "file" });
  await writeFile(path, bytes!);
}

/**
 * Reads a table that `save` wrote, or any other Parquet or Arrow file. It knows what was lost when it was captured, and where.
 *
 * @throws ArgumentError for a file that is not there or has another ending, BpflabError when it is no such file
 */
export async function open(path: string): Promise<ColumnTable> {
  const format = formatOf(path);
  await access(path).catch((error: Error) => {
    throw new ArgumentError(`${path} cannot be read: ${error.message}.`);
  });
  try {
    const { table, metadata } = await (format === ".parquet" ? readParquet(path) : readArrow(path));
    const capture = metadata[metadataKey];
    return capture === undefined ? table : markCapture(table, JSON.parse(capture) as Capture);
  } catch (error) {
    throw new BpflabError("CAPTURE", `${path} is not ${format === ".parquet" ? "a Parquet" : "an Arrow"} file: ${(error as Error).message}.`, { cause: error });
  }
}

/** Types of columns without a value, from which the writer cannot tell them. */
function typesOf(table: ColumnTable): Record<string, DataType> {
  return Object.fromEntries(table.columnNames().map((name) => [name, ArrayBuffer.isView(table.column(name)) ? float64() : dictionary(utf8())]));
}

function formatOf(path: string): string {
  const extension = extname(path);
  if (!extensions.includes(extension)) throw new ArgumentError(`Expected a name that ends in ${extensions.join(" or ")}, got ${path}.`);
  return extension;
}

async function readArrow(path: string): Promise<{ table: ColumnTable; metadata: Record<string, string> }> {
  const arrow = tableFromIPC(await readFile(path), { useBigInt: true });
  const columns = arrow.names.map((name, i) => [name, columnOf(arrow.getChildAt(i))] as const);
  return { table: makeTable(Object.fromEntries(columns) as Record<string, never>), metadata: Object.fromEntries(arrow.schema.metadata ?? []) };
}

/** A column as streams make them: typed arrays, dictionaries, bytes for booleans. */
function columnOf(column: ArrowColumn<any>): unknown {
  const [batch, ...more] = column.data;
  if (batch && more.length === 0 && batch.nullCount === 0) {
    if (column.type.typeId === Type.Dictionary) return dictionaryOf(column);
    if (column.type.typeId === Type.Bool) return new BooleanColumn(Uint8Array.from(column, Number));
  }
  return column.toArray();
}

function dictionaryOf(column: ArrowColumn<any>): DictionaryColumn {
  const batch = column.data[0] as unknown as { values: ArrayLike<number>; dictionary: ArrowColumn<string> };
  return new DictionaryColumn(Uint32Array.from(batch.values), [...batch.dictionary] as string[]);
}
