import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { counted, formatTime, formatValue } from "../tables/units.js";
import { bucketField, capital, fieldTitle, rangeText, valueAxis } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { fixedScale } from "./scale.js";
import { densityScheme } from "./theme.js";
import { type ClockOptions, secondsPerUnit, tidySeconds, timeAxis } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.bucketHeatmap`. */
export interface BucketHeatmapOptions<Name extends string = string> extends ClockOptions, FrameOptions {
  /** Column of times, the end of each row's interval; default `time_ns`. Shown in seconds since the first. */
  x?: Name;
  /** Column of the buckets' lower bounds; default `low_ns`. */
  low?: Name;
  /** Column of their upper bounds; default `high_ns`. */
  high?: Name;
  /** Column of the number of values in each; default `count`. */
  count?: Name;
}

const MAX_INTERVALS = 100;

/**
 * How histograms that have been counted already change: a column of cells for each time, coloured by density, the events
 * per second and per doubling of the value, so that neither a longer interval nor a wider bucket looks busier than it is.
 * More than a hundred times are merged with their neighbours.
 *
 * @throws ArgumentError if a column is missing or holds no numbers.
 * @example
 * charts.bucketHeatmap(latency.buckets(intervals, { by: "time_ns" }))
 */
export function bucketHeatmap<Table extends ColumnTable>(
  table: Table,
  options: BucketHeatmapOptions<ColumnName<Table>> = {},
): Chart {
  const x = columnName(options.x ?? "time_ns", "x", "charts.bucketHeatmap");
  const low = columnName(options.low ?? "low_ns", "low", "charts.bucketHeatmap");
  const [times, lows, highs, counts] = [
    numbersOf(table, x, "x of charts.bucketHeatmap"),
    numbersOf(table, low, "low of charts.bucketHeatmap"),
    numbersOf(table, options.high ?? "high_ns", "high of charts.bucketHeatmap"),
    numbersOf(table, options.count ?? "count", "count of charts.bucketHeatmap"),
  ];
  const perUnit = secondsPerUnit(x, "charts.bucketHeatmap");
  const distinct = [...new Set(times)].filter(Number.isFinite).sort((a, b) => a - b);
  const step = Math.ceil(distinct.length / MAX_INTERVALS);
  // An interval reaches from the time before to its own; the first is as long as the second.
  const ends = distinct.filter((_, i) => (i + 1) % step === 0 || i === distinct.length - 1);
  const origin = ends.length > 1 ? 2 * ends[0]! - ends[1]! : ends[0]! - 1 / perUnit;
  const intervalOf = new Map(distinct.map((time, i) => [time, Math.floor(i / step)]));
  const axis = timeAxis(table, options, origin * perUnit * 1e9);
  const second = (time: number) => tidySeconds(axis.offset + (time - origin) * perUnit);

  const cells = new Map<string, { interval: number; low: number; high: number; count: number }>();
  counts.forEach((count, i) => {
    const interval = intervalOf.get(times[i]!);
    if (interval === undefined || !(count > 0)) return;
    const cell = cells.get(`${interval} ${lows[i]}`);
    if (cell) cell.count += count;
    // the bucket that begins at 0 has no place on a logarithmic axis: it gets the width of the next one
    else
      cells.set(`${interval} ${lows[i]}`, {
        interval,
        low: lows[i]! > 0 ? lows[i]! : highs[i]! / 2,
        high: highs[i]!,
        count,
      });
  });
  const rows = [...cells.values()].map(({ interval, ...cell }) => {
    const [t0, t1] = [second(interval ? ends[interval - 1]! : origin), second(ends[interval]!)];
    const doublings = Math.log2(cell.high / cell.low);
    return { t0, t1, ...cell, density: Number((cell.count / (t1 - t0) / doublings).toPrecision(4)) };
  });
  const [min, max] = [Math.min(...rows.map((row) => row.low)), Math.max(...rows.map((row) => row.high))];
  const field = bucketField(low);

  return frame(table, options, {
    title: `${capital(fieldTitle(field))} over time`,
    counts: counted(
      counts.reduce((sum, count) => sum + count, 0),
      "event",
    ),
    notes: [step > 1 ? `${step} times in each column` : undefined],
    says: rows.length
      ? `Over ${formatTime((distinct.at(-1)! - origin) * perUnit * 1e9)}, between ${formatValue(field, min)} and ${formatValue(field, max)}.`
      : undefined,
    values: rows,
    layers: [
      {
        params: [zoom("x", "y")],
        transform: [
          rangeText(field),
          { calculate: `(${axis.text("datum.t0")}) + ' to ' + (${axis.text("datum.t1")})`, as: "time" },
        ],
        mark: { type: "rect", clip: true, stroke: null },
        encoding: {
          x: {
            field: "t0",
            type: "quantitative",
            scale: fixedScale(false, second(origin), second(ends[ends.length - 1] ?? 0)),
            axis: axis.axis,
          },
          x2: { field: "t1" },
          y: {
            field: "low",
            type: "quantitative",
            scale: fixedScale(true, min, max, field),
            axis: valueAxis(field, true, "y"),
          },
          y2: { field: "high" },
          color: {
            field: "density",
            type: "quantitative",
            scale: { type: "log", scheme: densityScheme },
            legend: { title: ["events per second", "and doubling"], format: ",.3~r", tickCount: 4 },
          },
          tooltip: [
            { field: "time", type: "nominal", title: "time" },
            { field: "range", type: "nominal", title: fieldTitle(field) },
            { field: "count", type: "quantitative", title: "events", format: "," },
            { field: "density", type: "quantitative", title: "per second and doubling", format: ",.3~r" },
          ],
        },
      },
    ],
  });
}
