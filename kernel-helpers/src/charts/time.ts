import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { toDate } from "../streams/clock.js";
import { unitOf } from "../tables/units.js";
import { roundDistance, timeExpression, timeLabels } from "./axes.js";

const seconds = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1 } as const;

/** Seconds in one unit of a time column, by its name's suffix. */
export function secondsPerUnit(name: string, chart: string): number {
  const unit = unitOf(name);
  if (unit && unit !== "bytes") return seconds[unit];
  throw new ArgumentError(`x of ${chart} must be a time, and the name "${name}" does not end in _ns, _us, _ms or _s.`);
}

/** What a chart over time writes on its axis. */
export interface ClockOptions {
  /** The time of day, in UTC, instead of the time since the first event. For tables of one capture, whose clock is known. */
  clock?: boolean;
}

/** An axis of time. */
export interface TimeAxis {
  readonly axis: Record<string, unknown>;
  /** Where on the axis the first event is, in seconds: the axis has its round numbers elsewhere if it is a clock's. */
  readonly offset: number;
  /** A vega expression that writes a time on the axis. */
  text(value: string): string;
}

const SPAN = "(domain('x')[1] - domain('x')[0])";
/** Seconds on an axis from which on it is in minutes, and in hours. */
const [FROM_MINUTES, FROM_HOURS] = [600, 7200];
/** Distances of ticks that are round on a clock, in seconds. */
const clockSteps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** A vega expression for ticks at round times, at most about so many. */
function roundTicks(most: number): string {
  const onClock = clockSteps.reduceRight(
    (coarser, step) => `${SPAN} <= ${most * step} ? ${step} : ${coarser}`,
    `86400 * ceil(${SPAN} / ${most * 86_400})`,
  );
  const step = `(${SPAN} <= ${5 * most} ? ${roundDistance(SPAN, most)} : ${onClock})`;
  return `sequence(ceil(domain('x')[0] / ${step} - 1e-9) * ${step}, domain('x')[1] + ${step} * 1e-6, ${step})`;
}

/**
 * Seconds since the first event in the unit that suits the longest, or the time of day, by the clock of the machine that
 * the table is from.
 *
 * @param first the first event's time, ns
 */
export function timeAxis(table: ColumnTable, { clock }: ClockOptions, first: number): TimeAxis {
  if (!clock || !Number.isFinite(first)) {
    // Minutes and hours have other round numbers than seconds.
    const long = (seconds: number, unit: string) => `format(datum.value / ${seconds}, ',.15~r') + ' ${unit}'`;
    const axis = {
      title: "time since the first event",
      labelExpr: `datum.value === 0 || ${SPAN} < ${FROM_MINUTES} ? (${timeLabels("x", 1e9)}) : ${SPAN} < ${FROM_HOURS} ? ${long(60, "min")} : ${long(3600, "h")}`,
      values: { expr: `${SPAN} < ${FROM_MINUTES} ? null : ${roundTicks(8)}` },
      tickCount: 8,
    };
    return { axis, offset: 0, text: sinceExpression };
  }
  const began = toDate(first, table).getTime();
  const hour = Math.floor(began / 3_600_000) * 3_600_000;
  const write = (value: string, digits: string): string => {
    const ms = `${hour} + ${value} * 1000`;
    const micros = `format(floor((${value} * 1000000) % 1000000), '06d')`;
    return `(${digits} === 6 ? utcFormat(${ms}, '%H:%M:%S.') + ${micros} : utcFormat(${ms}, ${digits} === 3 ? '%H:%M:%S.%L' : '%H:%M:%S'))`;
  };
  const axis = {
    title: `time of day on ${new Date(began).toISOString().slice(0, 10)}, UTC`,
    labelExpr: write("datum.value", `(${SPAN} < 0.02 ? 6 : ${SPAN} < 20 ? 3 : 0)`),
    values: { expr: `${SPAN} > 0 ? ${roundTicks(6)} : null` },
    tickCount: 6,
  };
  return { axis, offset: (began - hour) / 1000, text: (value) => write(value, "6") };
}

/** A vega expression that writes a number of seconds since the first event with a unit that suits it. */
function sinceExpression(value: string): string {
  return timeExpression(`${value} * 1e9`, undefined, 12);
}

/** Seconds as a chart carries them: to the nanosecond within half an hour, without the noise of adding them up. */
export const tidySeconds = (seconds: number): number => Number(seconds.toPrecision(12));
