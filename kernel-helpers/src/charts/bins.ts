/**
 * Bin edges that fall on round numbers, so that they stay where they are when a live chart's data grow. A bin reaches
 * from its edge up to, not including, the next: the last edge is above the largest value, always.
 *
 * d3's ticks are for axes: they take the step nearest to what was asked, so that there may be more of them, have none of
 * a clock's factors or a clock's least distance, and leave out the ends of the data, which bins must cover.
 */

/** The smallest round step that is at least `step`: 1, 2 or 5 times a power of ten, or a multiple from `factors`. */
export function roundStep(step: number, factors: readonly number[] = [1, 2, 5]): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return roundOff((factors.find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10) * power);
}

/** At most about `bins` bins of equal width that cover `min` to `max`; whole numbers get bins of at least 1. */
export function linearEdges(min: number, max: number, bins: number, factors?: readonly number[]): number[] {
  const whole = Number.isInteger(min) && Number.isInteger(max);
  const span = max - min || Math.abs(max) || 1;
  // Numbers this large have gaps between them, and no two edges may be the same.
  const gap = Math.max(gapAt(min), gapAt(max));
  const step = Math.max(roundStep(Math.min(span, Number.MAX_VALUE) / bins, factors), whole ? 1 : 0, gap);
  const first = Math.floor(min / step);
  const last = Math.max(Math.floor(max / step) + 1, first + 1);
  const edge = edgeOf(step);
  return covering(
    Array.from({ length: last - first + 1 }, (_, i) => edge(first + i)),
    min,
    max,
  );
}

/** Intervals of equal length from 0 that cover all times up to `span`, whose end belongs to the last of them. */
export function timeEdges(span: number, bins: number, factors?: readonly number[]): number[] {
  const step = Math.max(roundStep(Math.max(span, 1e-9) / bins, factors), 1e-9); // no clock here has parts of a nanosecond
  const edge = edgeOf(step);
  return Array.from({ length: Math.max(Math.ceil((span / step) * (1 - 1e-9)), 1) + 1 }, (_, i) => edge(i));
}

/**
 * At most about `bins` bins of equal ratio that cover `min` to `max`, both above 0; a whole number of them to a decade,
 * or of base 2 to a doubling.
 */
export function logEdges(min: number, max: number, bins: number, base: 2 | 10 = 10): number[] {
  const power = (value: number) => (base === 2 ? Math.log2(value) : Math.log10(value));
  const span = Math.max(power(max / min), 0.1);
  const each = [0.1, 0.2, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40, 60, 80, 100]
    .filter((count) => count >= 1 || base === 2)
    .reduce((finest, count) => (count * span <= bins ? count : finest));
  const first = Math.floor(power(min) * each + 1e-9);
  const last = Math.max(Math.floor(power(max) * each + 1e-9) + 1, first + 1);
  const edges = Array.from({ length: last - first + 1 }, (_, i) => base ** ((first + i) / each));
  // Whole nanoseconds cannot fall between 1.2 and 1.8: bins finer than the clock would comb the chart. Those at or
  // above an edge are those at or above the next whole number.
  const whole = Number.isInteger(min) && Number.isInteger(max);
  return covering(whole ? [...new Set(edges.map((edge) => Math.ceil(edge * (1 - 1e-12))))] : edges, min, max);
}

/** The edges, the outermost moved where rounding has left the smallest or the largest value outside. */
function covering(edges: number[], min: number, max: number): number[] {
  if (edges[0]! > min) edges[0] = min;
  const end = edges.length - 1;
  if (!(edges[end]! > max)) edges[end] = max + Math.max(gapAt(max), Number.isInteger(max) ? 1 : 0);
  return edges.filter((edge, i) => i === 0 || edge > edges[i - 1]!);
}

/** About the distance from a number to the next that there is. */
const gapAt = (value: number): number => Math.abs(value) * 2 ** -52;

/** The step's multiples, without the noise of their multiplication: 3 × 0.1 is 0.3. */
function edgeOf(step: number): (multiple: number) => number {
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(step)), 0), 100);
  return (multiple) => (Number.isInteger(step) ? multiple * step : Number((multiple * step).toFixed(decimals)));
}

const roundOff = (value: number) => Number(value.toPrecision(12));
