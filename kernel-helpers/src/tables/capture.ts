/**
 * Captures as files, to be looked at later or elsewhere, without root: Apache Arrow's IPC file format, which pandas,
 * polars, R and DuckDB's extension read too. The account of what was lost stands in the file's metadata.
 *
 * @example
 * await capture.save(writes, "writes.arrow");
 * const writes = await capture.open("writes.arrow");
 */
import { readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { type Column as ArrowColumn, tableFromIPC, tableToIPC, Type } from "@uwdata/flechette";
import { type ColumnTable, table as makeTable, toArrow } from "arquero";
import { ArgumentError, BpflabError } from "../errors.js";
import { BooleanColumn, DictionaryColumn } from "../streams/columns.js";
import { type Capture, captureOf, markCapture } from "../streams/loss.js";

const extension = ".arrow";
/** The metadata's key; its value is a `Capture` as JSON. */
const metadataKey = "bpflab.capture";

/**
 * Writes a table into a file; text becomes a dictionary, 64-bit integers stay what they are.
 *
 * @param path a name that ends in `.arrow`; a file of that name is replaced
 * @throws ArgumentError for another ending
 */
export async function save(table: ColumnTable, path: string): Promise<void> {
  mustBeArrow(path);
  const arrow = toArrow(table.isFiltered() || table.isOrdered() ? table.reify() : table);
  const capture = captureOf(table);
  if (capture) arrow.schema.metadata = new Map([[metadataKey, JSON.stringify(capture)]]);
  const bytes = tableToIPC(arrow, { format: "file" });
  await writeFile(path, bytes!);
}

/**
 * Reads a table that `save` wrote, or any other Arrow file. It knows what was lost when it was captured.
 *
 * @throws ArgumentError for a file that is not there or has another ending, BpflabError when it is no Arrow file
 */
export async function open(path: string): Promise<ColumnTable> {
  mustBeArrow(path);
  const bytes = await readFile(path).catch((error: Error) => {
    throw new ArgumentError(`${path} cannot be read: ${error.message}.`);
  });
  try {
    const arrow = tableFromIPC(bytes, { useBigInt: true });
    const columns = arrow.names.map((name, i) => [name, columnOf(arrow.getChildAt(i))] as const);
    const table = makeTable(Object.fromEntries(columns) as Record<string, never>);
    const capture = arrow.schema.metadata?.get(metadataKey);
    return capture === undefined ? table : markCapture(table, JSON.parse(capture) as Capture);
  } catch (error) {
    throw new BpflabError("CAPTURE", `${path} is not an Arrow file: ${(error as Error).message}.`, { cause: error });
  }
}

function mustBeArrow(path: string): void {
  if (extname(path) !== extension) throw new ArgumentError(`Expected a name that ends in ${extension}, got ${path}.`);
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
