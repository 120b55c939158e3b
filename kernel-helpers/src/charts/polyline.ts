/** What of a line's points is drawn, and where it breaks. Points are positions in columns, in the order of their times. */

/** Rows come at regular times if so many of their distances are about the middle one. */
const REGULAR_SHARE = 0.75;
/** A distance of so many times the middle one leaves out a row. */
const GAP = 1.8;

/**
 * The points in pieces without a gap: a point without a value ends a piece, and so does a longer wait than between the
 * others, if these come at regular times. Events, which come as they please, have no gaps.
 */
export function unbroken(
  points: readonly number[],
  times: Float64Array,
  hasValue: (point: number) => boolean,
): number[][] {
  const waits = points
    .slice(1)
    .map((point, i) => times[point]! - times[points[i]!]!)
    .filter((wait) => wait > 0)
    .sort((a, b) => a - b);
  const middle = waits[waits.length >> 1] ?? 0;
  const regular =
    waits.filter((wait) => wait > middle / 2 && wait < middle * 1.5).length >= REGULAR_SHARE * waits.length;
  const longest = regular && waits.length > 3 ? GAP * middle : Infinity;

  const pieces: number[][] = [];
  let before: number | undefined;
  for (const point of points) {
    if (!hasValue(point)) {
      before = undefined;
      continue;
    }
    if (before === undefined || times[point]! - times[before]! > longest) pieces.push([]);
    pieces.at(-1)!.push(point);
    before = point;
  }
  return pieces;
}

/** Of each pixel's points those with the least and the largest value, in their order: no peak is lost. */
export function extremes(
  points: readonly number[],
  times: Float64Array,
  values: Float64Array,
  from: number,
  pixel: number,
): number[] {
  const kept: number[] = [];
  let [column, least, largest] = [-1, -1, -1];
  const keep = (): void => {
    if (least >= 0) kept.push(...new Set([least, largest].sort((a, b) => a - b)));
  };
  points.forEach((point, i) => {
    const own = Math.floor((times[point]! - from) / pixel);
    if (own !== column) {
      keep();
      [column, least, largest] = [own, i, i];
    }
    if (values[point]! < values[points[least]!]!) least = i;
    if (values[point]! > values[points[largest]!]!) largest = i;
  });
  keep();
  return kept.map((i) => points[i]!);
}
