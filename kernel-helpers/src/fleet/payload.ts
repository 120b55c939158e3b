/** Tables as bytes: their columns encoded to be small, in Arrow's IPC stream, deflated. */
import { deflateRaw, inflateRawSync } from "node:zlib";
import { promisify } from "node:util";
import type { JsMsg } from "@nats-io/jetstream";
import type { ColumnTable } from "arquero";
import { ListColumn } from "../streams/event-columns.js";
import { reifyRows } from "../streams/rows.js";
import { withColumns } from "../streams/capture.js";
import { arrowContents } from "../tables/arrow-read.js";
import { arrowBytes } from "../tables/arrow-write.js";
import { metadataKeys } from "../tables/file-contents.js";
import { decoded, encoded, type Encoding } from "./wire-encoding.js";
import { type FeedHeader, feedHeaderFrom, HEADER_NAME } from "./protocol.js";

const deflate = promisify(deflateRaw);

/** No message unpacks to more: what a server holds is not trusted to be small. */
const MOST_BYTES = 64 * 2 ** 20;

/** Under this key of Arrow's metadata stands which columns are encoded, and how. */
const ENCODING_KEY = "bpflab.encoding";

export async function packTable(table: ColumnTable): Promise<Uint8Array> {
  const plain = reifyRows(table);
  const columns = plain.columnNames().map((name) => ({ name, ...encoded(plain.column(name) as unknown) }));
  const small = withColumns(plain, Object.fromEntries(columns.map(({ name, column }) => [name, column])));
  const bigint = columns.flatMap(({ name, column }) => (hasBigInts(column) ? name : []));
  const encodings = columns.flatMap(({ name, encoding }) => (encoding ? [[name, encoding] as const] : []));
  const metadata = {
    [metadataKeys.bigint]: JSON.stringify(bigint),
    [ENCODING_KEY]: JSON.stringify(Object.fromEntries(encodings)),
  };
  return deflate(arrowBytes(small, metadata, "stream"), { level: 1 });
}

function hasBigInts(column: unknown): boolean {
  const values = column instanceof ListColumn ? (column.values as unknown) : column;
  return values instanceof BigInt64Array || values instanceof BigUint64Array;
}

/** @throws whatever is wrong with the bytes */
export function unpackTable(bytes: Uint8Array): ColumnTable {
  const arrow = inflateRawSync(bytes, { maxOutputLength: MOST_BYTES });
  const { table, metadata } = arrowContents(arrow, { path: "a message", bigint: [], maxBytes: MOST_BYTES });
  const encodings = JSON.parse(metadata[ENCODING_KEY] ?? "{}") as Record<string, Encoding>;
  const columns = table.columnNames().map((name) => {
    const column = table.column(name) as unknown;
    const encoding = Object.hasOwn(encodings, name) ? encodings[name] : undefined;
    return [name, encoding ? decoded(column, encoding) : column] as const;
  });
  return withColumns(table, Object.fromEntries(columns));
}

/** What an agent sent; undefined when it cannot be read. */
export function unpackMessage(message: JsMsg): { header: FeedHeader; table: ColumnTable } | undefined {
  const text = message.headers?.get(HEADER_NAME);
  const header = text ? feedHeaderFrom(text) : undefined;
  if (!header) return undefined;
  try {
    const table = unpackTable(message.data);
    return table.numRows() === header.rows ? { header, table } : undefined;
  } catch {
    return undefined;
  }
}
