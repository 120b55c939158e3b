import { ArgumentError } from "../base/errors.js";

/** Such as `03:14:07 UTC`. */
export const timeOfDay = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;

const units = { second: 1e3, minute: 60e3, hour: 3600e3, day: 86_400e3 } as const;

/**
 * A moment, in ms since 1970: a Date, what Date reads such as `2026-11-26T03:00Z`, or `10 minutes ago`.
 *
 * @throws ArgumentError for anything else
 */
export function momentFrom(what: string, given: unknown, now = Date.now()): number {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s+(second|minute|hour|day)s?\s+ago\s*$/.exec(String(given)) ?? [];
  if (unit !== undefined) return now - Number(count) * units[unit as keyof typeof units];
  const ms = given instanceof Date ? given.getTime() : typeof given === "string" ? Date.parse(given) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new ArgumentError(
    `${what}: expected a moment such as "10 minutes ago" or a Date, got ${JSON.stringify(given)}.`,
  );
}
