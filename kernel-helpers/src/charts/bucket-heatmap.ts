import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { counted } from "../tables/units.js";
import { capital, fieldTitle, valueAxis, valueExpression } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./options.js";
import { fixedScale } from "./scale.js";
import { densityScheme } from "./theme.js";
import { secondsAxis, secondsPerUnit, sinceExpression } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.bucketHeatmap`. */
export interface BucketHeatmapOptions<Name extends string = string> extends FrameOptions {
  /** Column of times, the end of each row's interval; default `time_ns`. Shown in seconds since the first. */
  x?: Name;
  /** Columns of the buckets' bounds and counts; default `low_ns`, `high_ns` and `count`. */
  low?: Name;
  high?: Name;
  count?: Name;
}

const maxIntervals = 100;

/**
 * How histograms that have been counted already change: a column of cells for each time, coloured by the
 * number of events, on log scales. Of more than a hundred times neighbours are put together.
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
  const step = Math.ceil(distinct.length / maxIntervals);
  // An interval reaches from the time before to its own; the first is as long as the second.
  const ends = distinct.filter((_, i) => (i + 1) % step === 0 || i === distinct.length - 1);
  const origin = ends.length > 1 ? 2 * ends[0]! - ends[1]! : ends[0]! - 1 / perUnit;
  const intervalOf = new Map(distinct.map((time, i) => [time, Math.floor(i / step)]));
  const second = (time: number) => Number(((time - origin) * perUnit).toPrecision(9));

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
  const rows = [...cells.values()].map(({ interval, ...cell }) => ({
    t0: second(interval ? ends[interval - 1]! : origin),
    t1: second(ends[interval]!),
    ...cell,
  }));
  const [min, max] = [Math.min(...rows.map((row) => row.low)), Math.max(...rows.map((row) => row.high))];
  const field = low.replace(/(^|_)low_/, "$1duration_");

  return frame(table, options, {
    title: `${capital(fieldTitle(field))} over time`,
    counts: counted(
      counts.reduce((sum, count) => sum + count, 0),
      "event",
    ),
    notes: [step > 1 ? `${step} times in each column` : undefined],
    values: rows,
    layers: [
      {
        params: [zoom("x", "y")],
        transform: [
          {
            calculate: `(${valueExpression(field, "datum.low")}) + ' to ' + (${valueExpression(field, "datum.high")})`,
            as: "range",
          },
          { calculate: `(${sinceExpression("datum.t0")}) + ' to ' + (${sinceExpression("datum.t1")})`, as: "time" },
        ],
        mark: { type: "rect", clip: true, stroke: null },
        encoding: {
          x: {
            field: "t0",
            type: "quantitative",
            scale: fixedScale(false, 0, second(ends[ends.length - 1] ?? 0)),
            axis: secondsAxis,
          },
          x2: { field: "t1" },
          y: {
            field: "low",
            type: "quantitative",
            scale: fixedScale(true, min, max),
            axis: valueAxis(field, true, "y"),
          },
          y2: { field: "high" },
          color: {
            field: "count",
            type: "quantitative",
            scale: { type: "log", scheme: densityScheme },
            legend: { title: "events", format: ",~r", tickCount: 4 },
          },
          tooltip: [
            { field: "time", type: "nominal", title: "time" },
            { field: "range", type: "nominal", title: fieldTitle(field) },
            { field: "count", type: "quantitative", title: "events", format: "," },
          ],
        },
      },
    ],
  });
}
