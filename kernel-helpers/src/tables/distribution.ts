/** Distributions of values: ranks, the empirical distribution function, buckets. */
import { bisectRight } from "d3-array";
import { selectRank } from "./select.js";

/**
 * Position of a percentile in n ascending values by the nearest-rank method: the smallest
 * value that at least `perMille` ‰ of the values do not exceed. No interpolation, so that
 * each percentile is a latency that really occurred.
 */
export function nearestRank(n: number, perMille: number): number {
  return Math.max(0, Math.ceil((n * perMille) / 1000) - 1); // integers up to the division: exact
}

/** Percentiles, in ascending order, of values in any order, which they put into another. */
export function percentiles(values: Float64Array, perMilles: readonly number[]): number[] {
  let found = 0;
  return perMilles.map((perMille) => {
    const rank = nearestRank(values.length, perMille);
    const value = selectRank(values, rank, found);
    found = rank; // whatever is less stands before it now
    return value;
  });
}

/** One step of an empirical distribution function. */
export interface EcdfPoint {
  readonly value: number;
  /** Share of the values that are at most `value`, 0 to 1. */
  readonly share: number;
}

/**
 * At most `limit` exact points of the empirical distribution function of ascending values:
 * half spread evenly over the ranks, half crowding towards the slow end, where the tail is.
 * The smallest and the largest value are always among them.
 */
export function ecdfPoints(sorted: Float64Array, limit: number): EcdfPoint[] {
  const n = sorted.length;
  if (n === 0) return [];
  const ranks = new Set<number>([0, n - 1]);
  if (n <= limit) for (let rank = 0; rank < n; rank++) ranks.add(rank);
  else {
    const each = Math.floor((limit - 2) / 2);
    for (let i = 1; i <= each; i++) {
      ranks.add(Math.floor((i * (n - 1)) / (each + 1)));
      ranks.add(Math.max(0, n - 1 - Math.round(n ** (i / (each + 1)))));
    }
  }
  const points: EcdfPoint[] = [];
  let done = -1;
  for (const rank of [...ranks].sort((a, b) => a - b)) {
    if (rank <= done) continue;
    const end = bisectRight(sorted, sorted[rank]!, rank); // equal values are one step
    done = end - 1;
    points.push({ value: sorted[rank]!, share: end / n });
  }
  return points;
}

/**
 * Bucket edges that double, each doubling cut into `steps` equal parts: 1 gives bpftrace's
 * `hist()`, more gives a log-linear histogram. They cover `min` to `max`; what is below 1
 * falls into one bucket that starts at 0 (or at `min`, when there are negative values).
 */
export function doublingEdges(min: number, max: number, steps: number): number[] {
  const edges: number[] = [];
  if (min < 0) edges.push(min);
  if (min < 1) edges.push(0);
  const first = min < 1 ? 0 : Math.floor(Math.log2(min));
  for (let power = first; ; power++) {
    for (let step = 0; step < steps; step++) {
      const edge = 2 ** power * (1 + step / steps);
      const next = 2 ** power * (1 + (step + 1) / steps);
      if (next <= min) continue; // the parts of the first doubling that end before the smallest value
      edges.push(edge);
      if (edge > max) return edges;
    }
  }
}
