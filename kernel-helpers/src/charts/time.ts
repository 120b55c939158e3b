import { ArgumentError } from "../base/errors.js";
import { unitOf } from "../tables/units.js";
import { timeExpression, timeLabels } from "./axes.js";

const seconds = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1 } as const;

/** Seconds in one unit of a time column, by its name's suffix. */
export function secondsPerUnit(name: string, chart: string): number {
  const unit = unitOf(name);
  if (unit && unit !== "bytes") return seconds[unit];
  throw new ArgumentError(`x of ${chart} must be a time, and the name "${name}" does not end in _ns, _us, _ms or _s.`);
}

/** Axis of seconds since the first event, in the unit that suits the longest. */
export const secondsAxis = { title: "time since the first event", labelExpr: timeLabels("x", 1e9), tickCount: 8 };

/** A vega expression that writes a number of seconds since the first event with a unit that suits it. */
export function sinceExpression(value: string): string {
  return timeExpression(`${value} * 1e9`, undefined, 6);
}
