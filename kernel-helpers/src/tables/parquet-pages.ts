/** What Parquet's pages say in their headers: a CRC-32 of each page as it lies in the file, if it has one, and how many values are in it. */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { AsyncBuffer, FileMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { counted } from "./units.js";

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

/**
 * What is wrong with the pages, in words: one that is not what its checksum says, or more values in them than the footer
 * claims, which DuckDB would leave out; undefined if nothing is. Pages of which only the head matters are not read.
 */
export async function damageInPages(file: FileHandle, { row_groups }: FileMetaData): Promise<string | undefined> {
  const reads = { ahead: reader(file, AHEAD), heads: reader(file, SHORT_HEADER) };
  for (const { columns } of row_groups)
    for (const { meta_data: chunk, file_path } of columns) {
      if (!chunk || file_path) continue;
      const starts = [chunk.dictionary_page_offset, chunk.data_page_offset].filter((offset) => offset);
      const from = Math.min(...starts.map(Number));
      const { damaged, values } = await walkPages(reads, from, from + Number(chunk.total_compressed_size));
      const name = chunk.path_in_schema.join(".");
      if (damaged !== undefined)
        return `the checksum of page ${damaged} of column ${name} is not that of its contents, so at least one bit of it has changed`;
      if (values > chunk.num_values)
        return `column ${name} claims ${counted(Number(chunk.num_values), "value")}, and its pages hold ${values}`;
    }
  return undefined;
}

type Read = (position: number, length: number) => Promise<Uint8Array>;

/**
 * Number, from 1, of the first damaged page of a column's part of a row group, and how many values its pages hold. Where
 * pages have no checksums the walk ends at what is no page: what else is wrong with a header, DuckDB tells.
 */
async function walkPages(
  { ahead, heads }: { ahead: Read; heads: Read },
  from: number,
  to: number,
): Promise<{ damaged?: number; values: number }> {
  let [at, values] = [from, 0];
  let read = ahead;
  for (let page = 1; at < to; page++) {
    const found = await headerAt(read, at, to);
    // A writer gives all of its pages a checksum, or none.
    if (page === 1 && found?.header.crc === undefined) read = heads;
    const size = Number(found?.header.compressed_page_size);
    const ends = found !== undefined && size >= 0 && at + found.length + size <= to;
    if (read === ahead) {
      if (!ends || found.header.crc === undefined) return { damaged: page, values };
      const contents = await read(at + found.length, size);
      if (contents.length < size || (crc32(contents) | 0) !== (found.header.crc | 0)) return { damaged: page, values };
    } else if (!ends) return { values };
    const { data_page_header: data, data_page_header_v2: data2 } = found.header;
    values += data?.num_values ?? data2?.num_values ?? 0;
    at += found.length + size;
  }
  return { values };
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

/** Reads so many bytes ahead, for pages lie one behind the other. */
function reader(file: FileHandle, ahead: number): Read {
  let buffer = new Uint8Array(0);
  let from = 0;
  return async (position, length) => {
    if (position < from || position + length > from + buffer.length) {
      const bytes = new Uint8Array(Math.max(length, ahead));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      [buffer, from] = [bytes.subarray(0, bytesRead), position];
    }
    return buffer.subarray(position - from, position - from + length);
  };
}
