/** Bin edges that fall on round numbers, so that they stay where they are when a live chart's data grow. */

/** The smallest round step that is at least `step`: 1, 2 or 5 times a power of ten, or a multiple from `factors`. */
export function roundStep(step: number, factors: readonly number[] = [1, 2, 5]): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return (factors.find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10) * power;
}

/** At most about `bins` bins of equal width that cover `min` to `max`; whole numbers get bins of at least 1. */
export function linearEdges(min: number, max: number, bins: number, factors?: readonly number[]): number[] {
  const whole = Number.isInteger(min) && Number.isInteger(max);
  const span = max - min || Math.abs(max) || 1;
  const step = Math.max(roundStep(span / bins, factors), whole ? 1 : 0);
  const first = Math.floor(min / step);
  const last = Math.max(Math.floor(max / step) + 1, first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => roundOff((first + i) * step));
}

/** At most about `bins` bins of equal ratio that cover `min` to `max`, both above 0; a whole number of them to a decade. */
export function logEdges(min: number, max: number, bins: number): number[] {
  const decades = Math.max(Math.log10(max / min), 0.1);
  const perDecade =
    [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40, 60, 80, 100].filter((count) => count * decades <= bins).pop() ??
    1;
  const first = Math.floor(Math.log10(min) * perDecade + 1e-9);
  const last = Math.max(Math.floor(Math.log10(max) * perDecade + 1e-9) + 1, first + 1);
  const edges = Array.from({ length: last - first + 1 }, (_, i) => 10 ** ((first + i) / perDecade));
  // whole nanoseconds cannot fall between 1.2 and 1.8: bins finer than the clock would comb the chart
  const whole = Number.isInteger(min) && Number.isInteger(max);
  return whole ? [...new Set(edges.map(Math.round))] : edges;
}

const roundOff = (value: number) => Number(value.toPrecision(12));
