import { endianness } from "node:os";
import { bisectRight } from "d3-array";

/** Bin of a value, `[edges[i], edges[i + 1])`, or -1 if it is in none. */
export function binOf(edges: ArrayLike<number>, value: number): number {
  return value >= edges[0]! && value < edges[edges.length - 1]! ? bisectRight(edges, value) - 1 : -1;
}

/** Cells of the table in which `binFinder` looks first, as a power of two. */
const CELL_BITS = 11;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const [HIGH, LOW] = endianness() === "LE" ? [1, 0] : [0, 1];

/** Exponent and first digits of a number above 0. They grow with it, about as its logarithm does. */
function highWord(value: number): number {
  double[0] = value;
  return words[HIGH]!;
}

/** The smallest number that has this high word. */
function fromHighWord(word: number): number {
  words[HIGH] = word;
  words[LOW] = 0;
  return double[0]!;
}

/**
 * `binOf` for many values of the same edges. A table, indexed by how large a value is, holds the first bin that
 * comes into question, and nearly always it is the one: several times as fast as a search.
 */
export function binFinder(edges: readonly number[]): (value: number) => number {
  const bounds = Float64Array.from(edges);
  const positive = bounds.find((edge) => edge > 0);
  const end = bounds[bounds.length - 1]!;
  if (positive === undefined || !(end > positive)) return (value) => binOf(bounds, value);

  const first = highWord(positive);
  const span = highWord(end) - first;
  const shift = Math.max(32 - Math.clz32(span) - CELL_BITS, 0);
  const firstBin = Int32Array.from({ length: (span >>> shift) + 1 }, (_, cell) =>
    binOf(bounds, Math.max(fromHighWord(first + cell * 2 ** shift), positive)),
  );
  return (value) => {
    if (!(value >= positive && value < end)) return binOf(bounds, value);
    let bin = firstBin[(highWord(value) - first) >>> shift]!;
    while (value >= bounds[bin + 1]!) bin++;
    return bin;
  };
}
