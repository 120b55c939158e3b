/**
 * What hyparquet-writer writes into: a file whose pages get the checksum that Parquet has a place for in their headers,
 * and that the writer leaves out. Other readers can tell by it, too, that a bit has flipped.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { parquetHeader } from "hyparquet/src/column.js";
import { ByteWriter } from "hyparquet-writer";

/** Bytes that wait until they are written. */
const ENOUGH = 2 ** 20;
/** No header of a page without statistics is longer. */
const LONGEST_HEADER = 96;
/** How a field of 32 bits begins in Thrift's compact protocol, one number after the field before it. */
const NEXT_I32 = 0x15;
/** The checksum's length: always so long, whatever it is, for the header's length must be known before the page is. */
const CRC_BYTES = 5;

/**
 * The writer writes a header, asks how far the file has come, and writes the page: a header that is complete when it asks
 * gets its checksum's field, which is filled in once all of the page is there.
 */
export class ParquetFile extends ByteWriter {
  readonly #fd: number;
  /** Where in the buffer the header begins that is being written. */
  #from = 4; // behind the magic
  /** Of the page whose header is complete. */
  #page: { crcAt: number; from: number; to: number } | undefined;
  /** False once what follows are no pages any more, but indexes and the footer. */
  #inPages = true;
  #written = 0;

  constructor(path: string) {
    super(2 * ENOUGH);
    this.#fd = openSync(path, "w");
    Object.defineProperty(this, "offset", {
      get: () => {
        this.#completeHeader();
        return this.#written + this.index;
      },
      set: () => undefined, // it is always what has been written
    });
  }

  override appendBytes(value: Uint8Array): void {
    this.#completeHeader();
    super.appendBytes(value);
    if (this.#page && this.index >= this.#page.to) this.#completePage(this.#page);
  }

  /** Writes what waits, unless a page is still being written. */
  flush(): void {
    if (this.#page) return;
    const bytes = new Uint8Array(this.buffer, 0, this.index);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    this.#written += this.index;
    this.#from -= this.index;
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #completeHeader(): void {
    const length = this.index - this.#from;
    if (!this.#inPages || this.#page || length <= 0) return;
    const bytes = new Uint8Array(this.buffer, this.#from, length);
    // A header begins with three numbers; what comes behind the last page does not.
    if (length > LONGEST_HEADER || bytes[0] !== NEXT_I32) return void (this.#inPages = false);
    const ends = fieldEnds(bytes, 3);
    const size = ends && compressedSize(bytes);
    if (!ends || size === undefined) return;
    // The checksum is field 4; the field behind it counts from there.
    const rest = bytes.slice(ends.at(-1));
    rest[0]! -= 0x10;
    this.ensure(CRC_BYTES + 1);
    this.index = this.#from + ends.at(-1)!;
    super.appendUint8(NEXT_I32);
    const crcAt = this.index;
    super.appendBytes(new Uint8Array(CRC_BYTES));
    super.appendBytes(rest);
    this.#page = { crcAt, from: this.index, to: this.index + size };
    if (size === 0) this.#completePage(this.#page);
  }

  #completePage({ crcAt, from, to }: { crcAt: number; from: number; to: number }): void {
    const crc = crc32(new Uint8Array(this.buffer, from, to - from)) | 0;
    let zigzag = ((crc << 1) ^ (crc >> 31)) >>> 0;
    const place = new Uint8Array(this.buffer, crcAt, CRC_BYTES);
    for (let i = 0; i < CRC_BYTES; i++, zigzag >>>= 7) place[i] = (zigzag & 0x7f) | (i < CRC_BYTES - 1 ? 0x80 : 0);
    this.#page = undefined;
    this.#from = to;
    if (this.index > ENOUGH) this.flush();
  }
}

/** Where each of the first so many fields ends, all of which are to be numbers; undefined if they are not, or not there yet. */
function fieldEnds(bytes: Uint8Array, fields: number): number[] | undefined {
  const ends: number[] = [];
  let at = 0;
  while (ends.length < fields) {
    if (bytes[at++] !== NEXT_I32) return undefined;
    while (bytes[at]! & 0x80) at++;
    if (++at > bytes.length) return undefined;
    ends.push(at);
  }
  return ends;
}

/** Bytes of the page behind a header; undefined while the header is not complete. */
function compressedSize(bytes: Uint8Array): number | undefined {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  try {
    const { type, compressed_page_size } = parquetHeader(reader);
    return type !== undefined && reader.offset === bytes.length ? Number(compressed_page_size) : undefined;
  } catch {
    return undefined;
  }
}
