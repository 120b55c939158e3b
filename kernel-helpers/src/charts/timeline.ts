import { requireNumber } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf } from "../tables/columns.js";
import { visible } from "../base/text.js";
import { formatNumber, formatTime, formatValue, isSize } from "../tables/units.js";
import { capital, exactExpression, fieldTitle, linearLabels, linearTicks, valueExpression } from "./axes.js";
import { roundStep } from "./bins.js";
import type { Chart } from "./chart.js";
import { SINGLE_COLOR } from "./colors.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import {
  colorEncoding,
  groupField,
  idsByFigure,
  legendPick,
  seriesOf,
  type Series,
  type SeriesOptions,
  stackOrder,
} from "./series.js";
import { defaultSize } from "./theme.js";
import { type ClockOptions, secondsPerUnit, tidySeconds, timeAxis } from "./time.js";
import { markLayers, ruleLayers } from "./annotate.js";
import { zoom } from "./zoom.js";

/** Options of `charts.timeline`. */
export interface TimelineOptions<Name extends string = string> extends SeriesOptions<Name>, ClockOptions, FrameOptions {
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

const MAX_POINTS = 1800;

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
  const weight = options.weight ?? "events";
  const what = visible(fieldTitle(weight));
  const stacked = options.stack ?? true;
  const series = seriesOf(table, options, "charts.timeline");
  const { min, max, count } = extent(times);
  const time = timeAxis(table, options, min * perUnit * 1e9);

  const span = count ? (max - min) * perUnit : 0;
  const maxBins = Math.floor(MAX_POINTS / series.size) - 1;
  const asked =
    options.every === undefined
      ? span > 0
        ? roundStep(Math.max(span, 1e-6) / Math.min(150, maxBins))
        : 1 // of one moment alone nobody knows how long it stands for
      : requireNumber("every", options.every, { above: 0 });
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
  const lengthOf = (bin: number) => (bin === bins - 1 ? span - bin * every || every : every);
  const rates = counts.map((events, cell) => Number((events / lengthOf(cell % bins)).toPrecision(6)));
  const rows: Record<string, unknown>[] = [];
  for (let id = 0; id < series.size && bins; id++) {
    for (let bin = 0; bin < bins; bin++) {
      const row = { events: counts[id * bins + bin]!, rate: rates[id * bins + bin]!, ...groupField(series, id) };
      rows.push({ t: tidySeconds(time.offset + bin * every), ...row });
      // the last step needs an end
      if (bin === bins - 1) rows.push({ t: tidySeconds(time.offset + bin * every + lengthOf(bin)), ...row });
    }
  }

  const sums = Array.from({ length: bins }, (_, bin) => columnOf(rates, bin, bins).reduce((a, b) => a + b, 0));
  const rules = options.rules ?? [];
  const highest = Math.max(...(stacked ? sums : rates), ...rules.map(({ value }) => value), 0);
  const { width = defaultSize.width, height = defaultSize.height } = options;
  const top = (highest || 1) * 1.05;
  const beside = ruleLayers(rules, { top, height });
  const moments = (options.marks ?? []).map(({ at, label }) => ({
    t: tidySeconds(time.offset + (at - min) * perUnit),
    label,
  }));
  const ends = [...moments.map(({ t }) => t), time.offset, tidySeconds(time.offset + (span || every))];
  const domain = [Math.min(...ends), Math.max(...ends)] as const;
  const above = markLayers(moments, { domain, width });

  return frame(table, options, {
    title: `${capital(what)} per second${series.title ? ` by ${series.title}` : ""}`,
    notes: [
      `intervals of ${interval(every)}${every > asked ? ` (${interval(asked)} is too fine for one chart)` : ""}`,
      series.note,
    ],
    says: bins
      ? `Over ${formatTime(span * 1e9)}, between ${formatValue(weight, Math.min(...sums))} and ${formatValue(weight, Math.max(...sums))}${isSize(weight) ? "" : ` ${what}`} per second.`
      : undefined,
    values: rows,
    roomAbove: above.room,
    ...(weights ? { counts: isSize(weight) ? formatValue(weight, total) : `${formatNumber(total)} ${what}` } : {}),
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [
          { calculate: time.text("datum.t"), as: "since" },
          { calculate: valueExpression(weight, "datum.rate", 4), as: "rateText" },
          { calculate: exactExpression(weight, "datum.events"), as: "eventsText" },
        ],
        mark: stacked
          ? { type: "area", interpolate: "step-after", clip: true, color: SINGLE_COLOR, fillOpacity: 1 }
          : { type: "line", interpolate: "step-after", clip: true, color: SINGLE_COLOR, strokeWidth: 1.8 },
        encoding: {
          x: {
            field: "t",
            type: "quantitative",
            scale: { domain, nice: false, zero: false },
            axis: time.axis,
          },
          y: {
            field: "rate",
            type: "quantitative",
            stack: stacked ? "zero" : null,
            scale: { domain: [0, top], nice: false },
            axis: {
              title: `${what} per second`,
              ...linearTicks(weight, "y", 6),
              ...(isSize(weight) ? { labelExpr: linearLabels(weight, "y") } : { format: ",~r" }),
            },
          },
          ...colorEncoding(series, {
            symbolType: stacked ? "square" : "stroke",
            from: fromTop(series, stacked, rates, bins),
            beside: beside.room,
          }),
          ...(stacked ? stackOrder(series) : {}),
          tooltip: [
            { field: "since", type: "nominal", title: options.clock ? "at" : "from" },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "rateText", type: "nominal", title: `${what} per second` },
            { field: "eventsText", type: "nominal", title: what },
          ],
        },
      },
      ...beside.layers,
      ...above.layers,
    ],
  });
}

const columnOf = (rates: Float64Array, bin: number, bins: number) => rates.filter((_, cell) => cell % bins === bin);

/** The series as a reader meets them at the chart's right end, from the top. */
function fromTop(series: Series, stacked: boolean, rates: Float64Array, bins: number): number[] | undefined {
  if (stacked) return Array.from(series.labels.keys()).reverse();
  return idsByFigure(
    series,
    Array.from(series.labels, (_, id) => rates[(id + 1) * bins - 1]!),
  );
}

const interval = (seconds: number): string => formatTime(seconds * 1e9);
