import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { counted } from "../tables/units.js";
import { fieldTitle, valueAxis, valueExpression } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./options.js";
import { fixedScale } from "./scale.js";
import { colorEncoding, groupField, legendPick, seriesOf, type SeriesOptions, stackOrder } from "./series.js";
import { singleColor } from "./theme.js";
import { zoom } from "./zoom.js";

/** Options of `charts.buckets`. */
export interface BucketsChartOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Columns of the buckets' bounds and counts; default `low_ns`, `high_ns` and `count`. */
  low?: Name;
  high?: Name;
  count?: Name;
  /** Bars of each group's own share instead of counts; default true for more than one group, where the largest would hide the rest. */
  share?: boolean;
}

/**
 * A histogram that has been counted already, on a logarithmic axis: of `latency.buckets`, whose counts come
 * from the kernel, or of `latency.histogram`.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.buckets(latency.buckets(stats.maps.stats_map.table()))
 */
export function buckets<Table extends ColumnTable>(table: Table, options: BucketsChartOptions<ColumnName<Table>> = {}): Chart {
  const low = columnName(options.low ?? "low_ns", "low", "charts.buckets");
  const lows = numbersOf(table, low, "low of charts.buckets");
  const highs = numbersOf(table, options.high ?? "high_ns", "high of charts.buckets");
  const counts = numbersOf(table, options.count ?? "count", "count of charts.buckets");
  const series = seriesOf(table, options, "charts.buckets", counts);
  const share = options.share ?? series.labels.length > 1;

  const total = counts.reduce((sum, count) => sum + count, 0);
  const totals = new Float64Array(series.size);
  counts.forEach((count, i) => (totals[series.ids ? series.ids[i]! : 0]! += count));
  const cells = new Map<string, { low: number; high: number; count: number; id: number }>();
  counts.forEach((count, i) => {
    if (!(count > 0)) return;
    const id = series.ids ? series.ids[i]! : 0;
    const cell = cells.get(`${lows[i]} ${id}`);
    if (cell) cell.count += count;
    // the bucket that begins at 0 has no place on a logarithmic axis: it gets the width of the next one
    else cells.set(`${lows[i]} ${id}`, { low: lows[i]! > 0 ? lows[i]! : highs[i]! / 2, high: highs[i]!, count, id });
  });
  const rows = [...cells.values()].map(({ id, ...cell }) => ({ ...cell, ...(share ? { share: cell.count / totals[id]! } : {}), ...groupField(series, id) }));
  const [min, max] = [Math.min(...rows.map((row) => row.low)), Math.max(...rows.map((row) => row.high))];
  const field = low.replace(/(^|_)low_/, "$1duration_");

  return frame(table, options, {
    title: `Histogram of ${fieldTitle(field)}${series.title ? ` by ${series.title}` : ""}`,
    counts: counted(total, "event"),
    notes: [series.note],
    values: rows,
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [{ calculate: `(${valueExpression(field, "datum.low")}) + ' to ' + (${valueExpression(field, "datum.high")})`, as: "range" }],
        mark: { type: "bar", clip: true, color: singleColor, binSpacing: 0.5, ...(share && series.labels.length > 1 ? { fillOpacity: 0.65 } : {}) },
        encoding: {
          x: { field: "low", type: "quantitative", bin: "binned", scale: fixedScale(true, min, max), axis: valueAxis(field, true, "x") },
          x2: { field: "high" },
          y: share
            ? { field: "share", type: "quantitative", stack: null, axis: { title: `share of ${series.title ? `each ${series.title}'s ` : ""}events`, format: ".0%", tickCount: 6 } }
            : { field: "count", type: "quantitative", stack: "zero", axis: { title: "events", format: ",~r", tickCount: 6 } },
          ...colorEncoding(series),
          ...stackOrder(series),
          tooltip: [
            { field: "range", type: "nominal", title: fieldTitle(field) },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "count", type: "quantitative", title: "events", format: "," },
            ...(share ? [{ field: "share", type: "quantitative", title: "share", format: ".2%" }] : []),
          ],
        },
      },
    ],
  });
}
