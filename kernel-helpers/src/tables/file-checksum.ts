/**
 * A CRC-32 of a whole file, which stands in the file: as a value of its metadata, which every reader of Parquet and Arrow
 * passes over. It counts with zeros in the place of its own digits.
 */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { type FileKind, footerRange } from "./file-kind.js";

/** The metadata's key; the value is `blank` until the file is written. */
export const CHECKSUM_KEY = "bpflab.checksum";
const PREFIX = "bpflab-crc32:";
export const BLANK = `${PREFIX}00000000`;

const PIECE = 8 * 2 ** 20;

/** Puts the checksum into a file that was written with a blank one. */
export async function sealFile(file: FileHandle, kind: FileKind): Promise<void> {
  const places = await findPlaces(file, kind);
  if (places.length === 0) throw new Error("the checksum has no place in the file");
  const digits = Buffer.from(await checksum(file, places));
  for (const place of places) await file.write(digits, 0, digits.length, place);
}

/**
 * True if the file is as it was written, undefined for one without a checksum.
 *
 * A single bit that flipped in the checksum's own name or value does not hide it: the other still shows.
 */
export async function isSealed(file: FileHandle, kind: FileKind): Promise<boolean | undefined> {
  const places = await findPlaces(file, kind);
  if (places.length === 0)
    return (await regions(file, kind)).some(({ text }) => text.includes(CHECKSUM_KEY)) ? false : undefined;
  const found = await digitsAt(file, places);
  const sum = await checksum(file, places);
  return found.every((digits) => digits === sum);
}

async function digitsAt(file: FileHandle, places: readonly number[]): Promise<string[]> {
  return Promise.all(
    places.map(async (place) => (await file.read(Buffer.alloc(8), 0, 8, place)).buffer.toString("latin1")),
  );
}

/** Where the digits stand. */
async function findPlaces(file: FileHandle, kind: FileKind): Promise<number[]> {
  const places: number[] = [];
  for (const { from, text } of await regions(file, kind))
    for (let at = text.indexOf(PREFIX); at >= 0; at = text.indexOf(PREFIX, at + 1))
      places.push(from + at + PREFIX.length);
  return places;
}

/** The parts of a file that hold metadata: its footer, and of Arrow the schema at its beginning. */
async function regions(file: FileHandle, kind: FileKind): Promise<{ from: number; text: string }[]> {
  const { size } = await file.stat();
  const ranges = kind === "Arrow stream" ? [] : [await footerRange(file, size, kind)];
  if (kind !== "Parquet") {
    const from = kind === "Arrow file" ? 8 : 0;
    const length = (await file.read(Buffer.alloc(8), 0, 8, from)).buffer.readUInt32LE(4);
    ranges.unshift({ from, to: Math.min(from + 8 + length, size) });
  }
  return Promise.all(
    ranges.map(async ({ from, to }) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      return { from, text: buffer.toString("latin1", 0, bytesRead) };
    }),
  );
}

async function checksum(file: FileHandle, places: readonly number[]): Promise<string> {
  const piece = Buffer.alloc(PIECE);
  let sum = 0;
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(piece, 0, PIECE, at);
    if (bytesRead === 0) break;
    for (const place of places)
      piece.fill("0", Math.min(Math.max(place - at, 0), bytesRead), Math.min(Math.max(place + 8 - at, 0), bytesRead));
    sum = crc32(piece.subarray(0, bytesRead), sum);
    at += bytesRead;
  }
  return sum.toString(16).padStart(8, "0");
}
