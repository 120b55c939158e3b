/** Checks of what a user gives, all in one wording: `peers: expected an integer from 1 to 200, got 0.` */
import { ArgumentError } from "./errors.js";

/** The range of a number: `from` and `to` belong to it, `above` and `below` do not. */
export interface Range {
  from?: number;
  above?: number;
  to?: number;
  below?: number;
}

function isWithin(value: number, { from = -Infinity, above = -Infinity, to = Infinity, below = Infinity }: Range) {
  return value >= from && !(value <= above) && value <= to && !(value >= below);
}

function describeRange({ from, above, to, below }: Range): string {
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (above !== undefined && below !== undefined) return ` between ${above} and ${below}`;
  if (above !== undefined && to !== undefined) return ` above ${above} and up to ${to}`;
  const bounds = [
    above !== undefined && `above ${above}`,
    from !== undefined && `of at least ${from}`,
    to !== undefined && `of at most ${to}`,
    below !== undefined && `below ${below}`,
  ].filter(Boolean);
  return bounds.length > 0 ? ` ${bounds.join(" and ")}` : "";
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === "bigint" || typeof value === "number" || value === undefined) return String(value);
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}

/** `name: expected …, got ….` */
export function mismatch(name: string, expected: string, value: unknown): ArgumentError {
  return new ArgumentError(`${name}: expected ${expected}, got ${shown(value)}.`);
}

/**
 * The value, if it is an integer of the range.
 *
 * @throws ArgumentError
 */
export function requireInteger(name: string, value: unknown, range: Range = {}): number {
  if (Number.isSafeInteger(value) && isWithin(value as number, range)) return value as number;
  // Beyond 2^53 a number stands for several integers.
  const isBeyond = Number.isInteger(value) && !Number.isSafeInteger(value);
  const exact = isBeyond ? { to: Number.MAX_SAFE_INTEGER, ...range } : range;
  throw mismatch(name, `an integer${describeRange(exact)}`, value);
}

/** The value as a BigInt, if it is an integer of either kind. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}

/**
 * The value, if it is a finite number of the range.
 *
 * @throws ArgumentError
 */
export function requireNumber(name: string, value: unknown, range: Range = {}): number {
  if (Number.isFinite(value) && isWithin(value as number, range)) return value as number;
  throw mismatch(name, `a number${describeRange(range)}`, value);
}

/**
 * The value, if it is a power of two of the range.
 *
 * @throws ArgumentError
 */
export function requirePowerOfTwo(name: string, value: unknown, range: Range): number {
  const isPower = Number.isInteger(value) && Number.isInteger(Math.log2(value as number));
  if (isPower && isWithin(value as number, range)) return value as number;
  throw mismatch(name, `a power of two${describeRange(range)}`, value);
}

/**
 * The value, if it is true or false.
 *
 * @throws ArgumentError
 */
export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw mismatch(name, "true or false", value);
}

/**
 * The value, if it is one of the choices.
 *
 * @throws ArgumentError
 */
export function requireOneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  const listed = choices.map((choice) => JSON.stringify(choice)).join(choices.length === 2 ? " or " : ", ");
  throw mismatch(name, `${choices.length === 2 ? "" : "one of "}${listed}`, value);
}
