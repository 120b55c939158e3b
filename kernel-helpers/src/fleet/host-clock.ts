import type { ColumnTable } from "arquero";
import { native } from "../base/native.js";
import { withColumns } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";

/** What an agent says when it is asked for the time. */
export interface ClockReading {
  bootId: string;
  /** CLOCK_MONOTONIC there. */
  monotonic_ns: number;
  /** The time of day there, ms since 1970. */
  wall_ms: number;
}

export function readClock(): ClockReading {
  return { bootId: provenance().bootId, monotonic_ns: native.clock_monotonic(), wall_ms: Date.now() };
}

/** How the clocks of a host stand to those of this machine. */
export interface HostClock {
  bootId: string;
  /** What to add to its CLOCK_MONOTONIC for ours. */
  offset_ns: number;
  /** The offset is not wrong by more. */
  error_ns: number;
  /** By how much its time of day is ahead of ours. */
  ahead_ms: number;
}

/** From how it was asked at one time and answered at another, by our clocks. */
export function clockFrom(asked: ClockReading, there: ClockReading, answered: ClockReading): HostClock {
  const trip = answered.monotonic_ns - asked.monotonic_ns;
  const here = asked.monotonic_ns + trip / 2;
  const ahead_ms = there.wall_ms - (asked.wall_ms + trip / 2e6);
  if (there.bootId === asked.bootId) return { bootId: there.bootId, offset_ns: 0, error_ns: 0, ahead_ms }; // one kernel
  return { bootId: there.bootId, offset_ns: here - there.monotonic_ns, error_ns: trip / 2, ahead_ms };
}

/** Names of columns that hold a time, and no duration. */
export const isTime = (name: string) => /(^|\.)(time|timestamp|start|end|since)_ns$/.test(name);

/**
 * The table with its times as our clock has them.
 *
 * @param times more columns that hold CLOCK_MONOTONIC, ns, than those that are called `time_ns`, `start_ns`, `end_ns`,
 *   `since_ns` or `timestamp_ns`
 */
export function alignTimes(table: ColumnTable, offset_ns: number, times: readonly string[] = []): ColumnTable {
  if (offset_ns === 0) return table;
  const columns = table.columnNames().map((name) => {
    const column = table.column(name) as unknown;
    return [name, isTime(name) || times.includes(name) ? shifted(column, offset_ns) : column] as const;
  });
  return withColumns(table, Object.fromEntries(columns));
}

function shifted(column: unknown, by_ns: number): unknown {
  if (column instanceof Float64Array) return column.map((time) => time + by_ns);
  const whole = BigInt(Math.round(by_ns));
  if (column instanceof BigUint64Array) return column.map((time) => time + whole);
  if (column instanceof BigInt64Array) return column.map((time) => time + whole);
  return column;
}
