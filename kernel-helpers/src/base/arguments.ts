/** Checks of what a user gives, all in one wording: `peers: expected an integer from 1 to 200, got 0.` */
import { ArgumentError } from "./errors.js";

/** The range of a number: `from` and `to` belong to it, `above` does not. */
export interface Range {
  from?: number;
  above?: number;
  to?: number;
}

const isWithin = (value: number, { from = -Infinity, above = -Infinity, to = Infinity }: Range): boolean =>
  value >= from && value > above && value <= to;

function describeRange({ from, above, to }: Range): string {
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (above !== undefined && to !== undefined) return ` above ${above} and up to ${to}`;
  if (above !== undefined) return ` above ${above}`;
  if (from !== undefined) return ` of at least ${from}`;
  return to === undefined ? "" : ` of at most ${to}`;
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === "bigint" || typeof value === "number" || value === undefined) return String(value);
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}

/**
 * The value, if it is an integer of the range.
 *
 * @throws ArgumentError
 */
export function requireInteger(name: string, value: unknown, range: Range = {}): number {
  if (Number.isInteger(value) && isWithin(value as number, range)) return value as number;
  throw new ArgumentError(`${name}: expected an integer${describeRange(range)}, got ${shown(value)}.`);
}

/**
 * The value, if it is a finite number of the range.
 *
 * @throws ArgumentError
 */
export function requireNumber(name: string, value: unknown, range: Range = {}): number {
  if (Number.isFinite(value) && isWithin(value as number, range)) return value as number;
  throw new ArgumentError(`${name}: expected a number${describeRange(range)}, got ${shown(value)}.`);
}

/**
 * The value, if it is one of the choices.
 *
 * @throws ArgumentError
 */
export function requireOneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  const listed = choices.map((choice) => JSON.stringify(choice)).join(choices.length === 2 ? " or " : ", ");
  throw new ArgumentError(`${name}: expected ${choices.length === 2 ? "" : "one of "}${listed}, got ${shown(value)}.`);
}
