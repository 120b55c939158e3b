import { ArgumentError } from "../base/errors.js";

/** The number, if it is whole and in the range that the option takes. */
export function wholeNumber(value: number, name: string, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ArgumentError(`expected a whole number from ${min} to ${max} for ${name}, got ${value}.`);
}

/** The number, if it is above 0. */
export function positive(value: number, name: string): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new ArgumentError(`expected a number above 0 for ${name}, got ${value}.`);
}

/** The name of a column that a chart cannot do without. */
export function columnName(value: unknown, name: string, chart: string): string {
  if (typeof value === "string") return value;
  throw new ArgumentError(
    `${chart} needs the name of a column for ${name}, for example { ${name}: "duration_ns" }, got ${String(value)}.`,
  );
}
