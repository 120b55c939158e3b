import { isDuration } from "./axes.js";
import { linearEdges, logEdges } from "./bins.js";
import { formatNumber, isSize } from "../tables/units.js";

/** How a measured field lies on its axis. */
export interface FieldScale {
  /** The field's name, which says its unit. */
  readonly name: string;
  readonly log: boolean;
  /** Smallest and largest value that the axis shows. NaN when there is none. */
  readonly min: number;
  readonly max: number;
  /** What the subtitle says about values that have no place on the axis. */
  readonly note: string | undefined;
}

/** A logarithmic axis pays from here on. */
const LOG_FROM = 20;

/**
 * Chooses the scale of a field: logarithmic when asked for, or when a length of time spans more
 * than a decade. Zero and less have no logarithm: they are counted, and the subtitle says so.
 */
export function scaleOf(name: string, values: Float64Array, log: boolean | undefined): FieldScale {
  let min = Infinity;
  let max = -Infinity;
  let minPositive = Infinity;
  let notPositive = 0;
  let notFinite = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      notFinite++;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    if (value <= 0) notPositive++;
    else if (value < minPositive) minPositive = value;
  }
  const missing = notFinite ? `${formatNumber(notFinite)} without a finite number left out` : undefined;
  if (min > max) return { name, log: false, min: NaN, max: NaN, note: missing };
  if (log ?? (isDuration(name) && max / minPositive >= LOG_FROM)) {
    const off = notPositive ? `${formatNumber(notPositive)} at or below 0 not on the log scale` : undefined;
    const note = [off, missing].filter(Boolean).join(" · ") || undefined;
    return minPositive === Infinity
      ? { name, log: true, min: NaN, max: NaN, note }
      : { name, log: true, min: minPositive, max, note };
  }
  return { name, log: false, min, max, note: missing };
}

/** Bin edges that suit the scale; none when there are no values. */
export function edgesOf({ name, log, min, max }: FieldScale, bins: number): number[] {
  if (Number.isNaN(min)) return [];
  return log ? logEdges(min, max, bins, isSize(name) ? 2 : 10) : linearEdges(min, max, bins);
}

/** vega-lite's `scale` for a domain that must stay what it is. @param name the field: sizes count in powers of two */
export function fixedScale(
  log: boolean,
  low: number | undefined,
  high: number | undefined,
  name = "",
): Record<string, unknown> {
  const domain = { domain: [low, high], nice: false };
  if (!log) return { type: "linear", ...domain, zero: false };
  return { type: "log", ...(isSize(name) ? { base: 2 } : {}), ...domain };
}
