/** The checksums that Parquet's pages may have in their headers: a CRC-32 of each page as it lies in the file. */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { AsyncBuffer, FileMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";

const AHEAD = 2 ** 20;
const SHORT_HEADER = 2 ** 10;
const LONGEST_HEADER = 2 ** 24; // statistics of long text may be in it

/** A file as hyparquet wants it. */
export async function bufferOf(file: FileHandle): Promise<AsyncBuffer> {
  const { size } = await file.stat();
  return {
    byteLength: size,
    async slice(from, to = size) {
      const bytes = new Uint8Array(Math.max(to - from, 0));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytes.buffer.slice(0, bytesRead);
    },
  };
}

/** The first page that is not what its checksum says, in words; undefined if there is none, or the pages have no checksums. */
export async function damagedPage(file: FileHandle, { row_groups }: FileMetaData): Promise<string | undefined> {
  const read = reader(file);
  for (const { columns } of row_groups)
    for (const { meta_data: chunk, file_path } of columns) {
      if (!chunk || file_path) continue;
      const starts = [chunk.dictionary_page_offset, chunk.data_page_offset].filter((offset) => offset);
      const from = Math.min(...starts.map(Number));
      const damaged = await damagedPageIn(read, from, from + Number(chunk.total_compressed_size));
      if (damaged !== undefined) return `page ${damaged} of column ${chunk.path_in_schema.join(".")}`;
    }
  return undefined;
}

type Read = (position: number, length: number) => Promise<Uint8Array>;

/** Number, from 1, of the first damaged page of a column's part of a row group. */
async function damagedPageIn(read: Read, from: number, to: number): Promise<number | undefined> {
  let at = from;
  for (let page = 1; at < to; page++) {
    const found = await headerAt(read, at, to);
    // A writer gives all of its pages a checksum, or none. What else is wrong with a header, DuckDB tells.
    if (page === 1 && found?.header.crc === undefined) return undefined;
    if (!found) return page;
    const { header, length } = found;
    if (header.crc === undefined) return page;
    const size = Number(header.compressed_page_size);
    if (!(size >= 0 && at + length + size <= to)) return page;
    const contents = await read(at + length, size);
    if (contents.length < size || (crc32(contents) | 0) !== (header.crc | 0)) return page;
    at += length + size;
  }
  return undefined;
}

/** The header at a position; undefined if there is none. */
async function headerAt(
  read: Read,
  at: number,
  to: number,
): Promise<{ header: PageHeader; length: number } | undefined> {
  for (let window = SHORT_HEADER; ; window *= 8) {
    const bytes = await read(at, Math.min(window, to - at));
    const view = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    try {
      return { header: parquetHeader(view), length: view.offset };
    } catch {
      if (window >= Math.min(to - at, LONGEST_HEADER)) return undefined;
    }
  }
}

/** Reads ahead, for pages lie one behind the other. */
function reader(file: FileHandle): Read {
  let buffer = new Uint8Array(0);
  let from = 0;
  return async (position, length) => {
    if (position < from || position + length > from + buffer.length) {
      const bytes = new Uint8Array(Math.max(length, AHEAD));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      [buffer, from] = [bytes.subarray(0, bytesRead), position];
    }
    return buffer.subarray(position - from, position - from + length);
  };
}
