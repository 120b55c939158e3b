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

const IDENTIFIERS = [
  "pid|tid|tgid|ppid|pgid|sid|uid|gid|euid|egid|fd|cpu|numa|node", // processes and where they run
  "port|sport|dport|lport|rport|addr|saddr|daddr|laddr|raddr|ip|ptr|mac|vlan|ifindex|proto|protocol|family|mark|handle", // network
  "ino|inode|dev|major|minor|mnt|sector|lba|cgroup|cgroupid|cgrp|netns|mntns|pidns|userns", // files and namespaces
  "errno|signal|sig|nr|syscall|irq|vec|id|seq|cookie|hash|key|idx|index|version|year|generation", // numbers that stand for names
].join("|");
const identifier = new RegExp(`(^|[._])(${IDENTIFIERS})$`);

/** True for numbers that name something and are never added up: no thousands separators in these. `srcPort` is one too. */
export function isIdentifier(name: string): boolean {
  return identifier.test(name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase());
}

/** True for sizes in bytes: `read_bytes`, `bytes`. */
export function isSize(name: string): boolean {
  return /(^|[._])bytes$/.test(name);
}

/** Per mille of a column of percentiles: 999 for `p999_ns` and `p99.9`; undefined for other columns. */
export function percentileOf(name: string): number | undefined {
  const digits = /(^|[._])p(\d\d?)\.?(\d*)(_(ns|us|ms|s|bytes))?$/.exec(name);
  return digits ? Number(`${digits[2]}${digits[3]!.slice(0, 1) || 0}.${digits[3]!.slice(1)}`) : undefined;
}

/**
 * True if so many events can tell a percentile from their largest and their smallest value: p99.9 takes a thousand of
 * them, p50 two, and p1 a hundred.
 */
export function supports(events: number, perMille: number): boolean {
  return events * Math.min(perMille, 1000 - perMille) >= 1000;
}

/** A column's name without its unit, to head a column that has the unit below: `p999_ns` is `p99.9`. */
export function heading(name: string): string {
  const unit = unitOf(name);
  return (unit ? name.slice(0, -unit.length - 1) : name).replace(/(^|[._])p(\d\d)(\d+)(?=$|[._])/, "$1p$2.$3");
}

/** A unit to show sizes in, and its bytes. */
interface SizeUnit {
  readonly symbol: string;
  readonly bytes: number;
}

/** Largest first. */
export const sizeUnits: readonly SizeUnit[] = ["PiB", "TiB", "GiB", "MiB", "KiB", "B"].map((symbol, i) => ({
  symbol,
  bytes: 1024 ** (5 - i),
}));

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
 * A time in ns as text with its unit, to three significant digits.
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

/** A value of that column with its unit, in three significant digits. */
export function formatValue(name: string, value: number): string {
  if (unitOf(name) === "ns" && !isTimestamp(name)) return formatTime(value);
  if (isIdentifier(name)) return String(value);
  if (!isSize(name)) return formatNumber(value);
  const unit = sizeUnits.find(({ bytes }) => Math.abs(value) >= bytes) ?? sizeUnits.at(-1)!;
  return `${significant(value / unit.bytes)} ${unit.symbol}`;
}

/**
 * A number in three significant digits, but with all of those before its point.
 *
 * @example
 * significant(0.123456)  // "0.123"
 */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return (Math.abs(value) < 100 ? threeDigits : wholeNumber).format(value);
}

const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/**
 * A number with thousands separators; small fractions keep four significant digits.
 *
 * @example
 * formatNumber(1234567)  // "1,234,567"
 */
export function formatNumber(value: number | bigint): string {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return typeof value === "number" && Math.abs(value) < 1 && value !== 0 ? small.format(value) : plain.format(value);
}

/** `1 row`, `12,345 rows`. */
export function counted(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}
