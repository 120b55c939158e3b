/** Batches as bytes: Arrow's IPC stream, deflated. */
import { deflateRaw, inflateRawSync } from "node:zlib";
import { promisify } from "node:util";
import type { ColumnTable } from "arquero";
import { DictionaryColumn, ListColumn } from "../streams/event-columns.js";
import { reifyRows } from "../streams/rows.js";
import { withColumns } from "../streams/capture.js";
import { arrowContents } from "../tables/arrow-read.js";
import { arrowBytes } from "../tables/arrow-write.js";
import { metadataKeys } from "../tables/file-contents.js";

const deflate = promisify(deflateRaw);

/** No message unpacks to more: what a server holds is not trusted to be small. */
const mostBytes = 64 * 2 ** 20;

export async function packTable(table: ColumnTable): Promise<Uint8Array> {
  const plain = compact(reifyRows(table));
  const bigint = plain.columnNames().filter((name) => {
    const column = plain.column(name) as unknown;
    const values = column instanceof ListColumn ? (column.values as unknown) : column;
    return values instanceof BigInt64Array || values instanceof BigUint64Array;
  });
  const bytes = arrowBytes(plain, { [metadataKeys.bigint]: JSON.stringify(bigint) }, "stream");
  return deflate(bytes, { level: 1 });
}

/** @throws whatever is wrong with the bytes */
export function unpackTable(bytes: Uint8Array): ColumnTable {
  const arrow = inflateRawSync(bytes, { maxOutputLength: mostBytes });
  return arrowContents(arrow, { path: "a message", bigint: [], maxBytes: mostBytes }).table;
}

/** Each dictionary with the strings of these rows only: a stream's knows all that ever came. */
function compact(table: ColumnTable): ColumnTable {
  const columns = table.columnNames().map((name) => {
    const column = table.column(name) as unknown;
    return [name, column instanceof DictionaryColumn ? used(column) : column] as const;
  });
  return withColumns(table, Object.fromEntries(columns));
}

function used({ codes, dictionary }: DictionaryColumn): DictionaryColumn {
  const places = new Map<number, number>();
  const recoded = codes.map((code) => places.get(code) ?? (places.set(code, places.size), places.size - 1));
  return new DictionaryColumn(
    recoded,
    [...places.keys()].map((code) => dictionary[code]!),
  );
}
