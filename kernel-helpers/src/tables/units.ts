/**
 * Units as column names carry them (`duration_ns`, `count_bytes`), and numbers written for people.
 */

/** The unit that a column's name ends in. */
export type Unit = "ns" | "us" | "ms" | "s" | "bytes";

/** The unit a name ends in, by the field's habit of suffixes; undefined when it ends in none. */
export function unitOf(name: string): Unit | undefined {
  return /_(ns|us|ms|s|bytes)$/.exec(name)?.[1] as Unit | undefined;
}

/** True for points in time (`start_ns`, `timestamp_ns`), as opposed to lengths of time. */
export function isTimestamp(name: string): boolean {
  return /(^|[._])(start|end|first|blocked|since|timestamp|ts|ktime)_ns$|(^|\.)time_ns$/.test(name);
}

/** True for numbers that name something and are never added up: no thousands separators in these. */
export function isIdentifier(name: string): boolean {
  return /(^|[._])(pid|tid|tgid|ppid|fd|uid|gid|cpu|port|ifindex|id|inode|dev|mnt|seq)$/.test(name);
}

/** A unit to show times in, and its length in ns. */
export interface TimeUnit {
  readonly symbol: "ns" | "µs" | "ms" | "s";
  readonly ns: number;
}

export const nanosecond: TimeUnit = { symbol: "ns", ns: 1 };

/** Largest first. */
export const timeUnits: readonly TimeUnit[] = [
  { symbol: "s", ns: 1e9 },
  { symbol: "ms", ns: 1e6 },
  { symbol: "µs", ns: 1e3 },
  nanosecond,
];

/** The largest unit in which a time is at least 1; ns for what is shorter. */
export function timeUnitFor(ns: number): TimeUnit {
  return timeUnits.find((unit) => Math.abs(ns) >= unit.ns) ?? nanosecond;
}

/**
 * A length of time, three significant digits.
 *
 * @example
 * formatTime(1234)  // "1.23 µs"
 */
export function formatTime(ns: number): string {
  if (!Number.isFinite(ns)) return String(ns);
  const rounded = Number(ns.toPrecision(3)); // 999.9 ns is 1 µs, not 1000 ns
  const unit = timeUnitFor(rounded);
  return `${formatNumber(Number((rounded / unit.ns).toPrecision(3)))} ${unit.symbol}`;
}

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A number with thousands separators; small fractions keep four significant digits. */
export function formatNumber(value: number | bigint): string {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return typeof value === "number" && Math.abs(value) < 1 && value !== 0 ? small.format(value) : plain.format(value);
}

/** `1 row`, `12,345 rows`. */
export function counted(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}
