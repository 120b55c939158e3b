/** Cells as files: the debug protocol names sources by paths, and a front end finds a cell's by the hash of its text. */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The one hash that front ends know, and its seed. */
export const HASH = { method: "Murmur2", seed: 0xb9f1ab };

/** What stands before and behind the hash. No file is ever written there. */
export const CELL_PATH = { prefix: join(tmpdir(), `bpflab-${process.pid}`, "cell-"), suffix: ".ts" };

/** The path of the cell with this text. */
export function cellPath(code: string): string {
  return `${CELL_PATH.prefix}${murmur2(Buffer.from(code), HASH.seed)}${CELL_PATH.suffix}`;
}

const M = 0x5bd1e995;

/** Austin Appleby's MurmurHash2, of 32 bits. */
export function murmur2(data: Buffer, seed: number): number {
  let hash = seed ^ data.length;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    let word = Math.imul(data.readInt32LE(at), M);
    word = Math.imul(word ^ (word >>> 24), M);
    hash = Math.imul(hash, M) ^ word;
  }
  if (at < data.length) hash = Math.imul(hash ^ data.readUIntLE(at, data.length - at), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return (hash ^ (hash >>> 15)) >>> 0;
}
