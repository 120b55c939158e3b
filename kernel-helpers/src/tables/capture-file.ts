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
import * as flechette from "@uwdata/flechette";
import { type ColumnTable, table as makeTable, toArrow } from "arquero";
import { ArgumentError, BpflabError } from "../base/errors.js";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../streams/columns.js";
import { type Capture, captureOf, markCapture } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { storedRows } from "./columns.js";
import { columnFrom } from "./from-values.js";
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
  const metadata: Record<string, string> = capture ? { [metadataKey]: JSON.stringify(located(capture)) } : {};
  if (format === ".parquet") return writeParquet(plain, path, metadata);
  const arrow = toArrow(plain, { types: arrowTypes(plain) as never });
  arrow.schema.metadata = new Map(Object.entries(metadata));
  await writeFile(path, flechette.tableToIPC(arrow, { format: "file" })!);
}

/** A capture of this process, which need not say where that is, as others are to read it. */
function located(capture: Capture): Capture {
  const parts = capture.parts && { parts: capture.parts.map(located) };
  return { ...(capture.host === undefined ? provenance() : {}), ...capture, ...parts };
}

/** Arrow's types of what it cannot tell them from by itself: lists, and columns without a value. */
function arrowTypes(table: ColumnTable): Record<string, flechette.DataType> {
  const types = table.columnNames().map((name) => {
    const column = table.column(name) as unknown;
    if (column instanceof ListColumn)
      return [[name, flechette.fixedSizeList(elementType(column.values), column.size)] as const];
    if (table.numRows() > 0) return [];
    return [[name, ArrayBuffer.isView(column) ? flechette.float64() : flechette.dictionary(flechette.utf8())] as const];
  });
  return Object.fromEntries(types.flat());
}

function elementType(values: unknown): flechette.DataType {
  if (values instanceof BooleanColumn) return flechette.bool();
  if (!ArrayBuffer.isView(values)) return flechette.utf8();
  const name = values.constructor.name.replace("Array", "").replace("Big", "").toLowerCase();
  return flechette[name as "float64"](); // Float64Array → float64, BigUint64Array → uint64
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
    throw new BpflabError(
      "CAPTURE",
      `${path} is not ${format === ".parquet" ? "a Parquet" : "an Arrow"} file: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

function formatOf(path: string): string {
  const extension = extname(path);
  if (!extensions.includes(extension))
    throw new ArgumentError(`Expected a name that ends in ${extensions.join(" or ")}, got ${path}.`);
  return extension;
}

async function readArrow(path: string): Promise<{ table: ColumnTable; metadata: Record<string, string> }> {
  const arrow = flechette.tableFromIPC(await readFile(path), { useBigInt: true, useDate: true });
  const columns = arrow.names.map((name, i) => [name, columnOf(arrow.getChildAt(i))] as const);
  return {
    table: makeTable(Object.fromEntries(columns) as Record<string, never>),
    metadata: Object.fromEntries(arrow.schema.metadata ?? []),
  };
}

/** A column as streams make them: typed arrays, dictionaries, bytes for booleans. */
function columnOf(column: flechette.Column<any>): unknown {
  const [batch, ...more] = column.data;
  const isDictionary =
    batch && more.length === 0 && batch.nullCount === 0 && column.type.typeId === flechette.Type.Dictionary;
  return isDictionary ? dictionaryOf(column) : columnFrom(column.toArray());
}

function dictionaryOf(column: flechette.Column<any>): DictionaryColumn {
  const batch = column.data[0] as unknown as { values: ArrayLike<number>; dictionary: flechette.Column<string> };
  return new DictionaryColumn(Uint32Array.from(batch.values), [...batch.dictionary] as string[]);
}
