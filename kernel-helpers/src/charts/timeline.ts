import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf } from "../tables/columns.js";
import { visible } from "../base/text.js";
import { roundStep } from "./bins.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName, positive } from "./options.js";
import { colorEncoding, groupField, legendPick, seriesOf, type SeriesOptions, stackOrder } from "./series.js";
import { singleColor } from "./theme.js";
import { secondsAxis, secondsPerUnit, sinceExpression } from "./time.js";
import { markLayers, ruleLayers } from "./annotate.js";
import { zoom } from "./zoom.js";

/** Options of `charts.timeline`. */
export interface TimelineOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of times; default `start_ns`. Shown in seconds since the first event. */
  x?: Name;
  /** Length of one interval in seconds; default so that there are about 150. */
  every?: number;
  /** Column of numbers to add up, for tables whose rows are counts already; default counts rows. */
  weight?: Name;
  /** Lay the groups on each other (default), or draw each as a line from zero, to compare them with `rules`. */
  stack?: boolean;
  /** Horizontal lines to compare with, per second. */
  rules?: readonly { value: number; label: string }[];
  /** Moments to mark, in the unit of `x`. */
  marks?: readonly { at: number; label: string }[];
}

const maxPoints = 1800;

/**
 * Events per second over time, stacked by group. The last interval is as long as the data reach,
 * and never shorter than half of the others, so that the rate does not sink at the end.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.timeline(writes, { by: "comm", every: 0.1 })
 * charts.timeline(rates, { x: "time_ns", weight: "requests", by: "source", stack: false, rules: [{ value: 50, label: "threshold" }] })
 */
export function timeline<Table extends ColumnTable>(
  table: Table,
  options: TimelineOptions<ColumnName<Table>> = {},
): Chart {
  const x = columnName(options.x ?? "start_ns", "x", "charts.timeline");
  const times = numbersOf(table, x, "x of charts.timeline");
  const perUnit = secondsPerUnit(x, "charts.timeline");
  const weights =
    options.weight === undefined ? undefined : numbersOf(table, options.weight, "weight of charts.timeline");
  const what = visible(options.weight ?? "events");
  const stacked = options.stack ?? true;
  const series = seriesOf(table, options, "charts.timeline");
  const { min, max, count } = extent(times);

  const span = count ? (max - min) * perUnit : 0;
  const maxBins = Math.floor(maxPoints / series.size) - 1;
  const asked =
    options.every === undefined
      ? roundStep(Math.max(span, 1e-6) / Math.min(150, maxBins))
      : positive(options.every, "every");
  const every = Math.max(asked, span / maxBins); // a finer one would be too much for the page
  const whole = span / every;
  const bins = count ? Math.max(Math.floor(whole) + (whole % 1 >= 0.5 ? 1 : 0), 1) : 0;

  const counts = new Float64Array(bins * series.size);
  let total = 0;
  for (let i = 0; i < times.length && bins; i++) {
    const bin = Math.min(Math.floor(((times[i]! - min) * perUnit) / every), bins - 1);
    if (!(bin >= 0)) continue;
    const weight = weights ? weights[i]! || 0 : 1;
    counts[(series.ids ? series.ids[i]! : 0) * bins + bin]! += weight;
    total += weight;
  }
  const rows: Record<string, unknown>[] = [];
  for (let id = 0; id < series.size && bins; id++) {
    for (let bin = 0; bin < bins; bin++) {
      const last = bin === bins - 1;
      const length = last ? span - bin * every || every : every;
      const events = counts[id * bins + bin]!;
      const row = { events, rate: Number((events / length).toPrecision(6)), ...groupField(series, id) };
      rows.push({ t: round(bin * every), ...row });
      if (last) rows.push({ t: round(bin * every + length), ...row }); // the last step needs an end
    }
  }

  return frame(table, options, {
    title: `${what[0]!.toUpperCase()}${what.slice(1)} per second${series.title ? ` by ${series.title}` : ""}`,
    notes: [
      `intervals of ${interval(every)}${every > asked ? ` (${interval(asked)} is too fine for one chart)` : ""}`,
      series.note,
    ],
    values: rows,
    ...(weights ? { counts: `${total.toLocaleString("en")} ${what}` } : {}),
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [{ calculate: sinceExpression("datum.t"), as: "since" }],
        mark: stacked
          ? { type: "area", interpolate: "step-after", clip: true, color: singleColor, fillOpacity: 1 }
          : { type: "line", interpolate: "step-after", clip: true, color: singleColor, strokeWidth: 1.8 },
        encoding: {
          x: { field: "t", type: "quantitative", scale: { nice: false, zero: false }, axis: secondsAxis },
          y: {
            field: "rate",
            type: "quantitative",
            stack: stacked ? "zero" : null,
            axis: { title: `${what} per second`, format: ",~r", tickCount: 6 },
          },
          ...colorEncoding(series, stacked ? "square" : "stroke"),
          ...(stacked ? stackOrder(series) : {}),
          tooltip: [
            { field: "since", type: "nominal", title: "from" },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "rate", type: "quantitative", title: `${what} per second`, format: ",.4~r" },
            { field: "events", type: "quantitative", title: what, format: "," },
          ],
        },
      },
      ...ruleLayers(options.rules ?? []),
      ...markLayers(
        (options.marks ?? []).map(({ at, label }) => ({ t: round((at - min) * perUnit), label: visible(label) })),
      ),
    ],
  });
}

const round = (seconds: number) => Number(seconds.toPrecision(9));

function interval(seconds: number): string {
  const [size, unit] = seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [seconds * 1e3, "ms"] : [seconds * 1e6, "µs"];
  return `${Number(size.toPrecision(3))} ${unit}`;
}
