/** The bars of a histogram, from bins that were counted here or elsewhere. */
import type { ColumnTable } from "arquero";
import { counted, formatValue } from "../tables/units.js";
import { countAxis, fieldTitle, rangeText, valueAxis } from "./axes.js";
import type { Chart } from "./chart.js";
import { SINGLE_COLOR } from "./colors.js";
import { frame, type FrameOptions } from "./frame.js";
import { fixedScale } from "./scale.js";
import { colorEncoding, legendPick, type Series, stackOrder } from "./series.js";
import { zoom } from "./zoom.js";

/** One bar: from `low` up to, not including, `high`. */
export interface Bar extends Record<string, unknown> {
  low: number;
  high: number;
  count: number;
  /** Of the group's events, where shares are drawn. */
  share?: number;
  group?: string;
  rank?: number;
}

export interface Bins {
  /** What was binned, such as `duration_ns`: names the axis and its unit. */
  field: string;
  rows: Bar[];
  series: Series;
  share: boolean;
  /** The axis: logarithmic or not, and its ends. */
  log: boolean;
  min: number | undefined;
  max: number | undefined;
  notes: (string | undefined)[];
  /** What the subtitle counts; default the table's rows as events. */
  counts?: string;
}

/** A chart of bars, stacked by count; shares of several groups are outlines, which do not hide each other. */
export function binBars(
  table: ColumnTable,
  options: FrameOptions,
  { field, rows, series, share, log, min, max, notes, counts }: Bins,
): Chart {
  const outlined = share && series.labels.length > 1;
  const stacked = !share && series.labels.length > 1;
  const x = {
    field: "low",
    type: "quantitative",
    scale: fixedScale(log, min, max, field),
    axis: valueAxis(field, log, "x"),
  };
  const y = share
    ? {
        field: "share",
        type: "quantitative",
        stack: null,
        axis: { title: `share of ${series.title ? `each ${series.title}'s ` : ""}events`, format: "~%", tickCount: 6 },
      }
    : { field: "count", type: "quantitative", stack: "zero", axis: countAxis };
  const tooltip = [
    { field: "range", type: "nominal", title: fieldTitle(field) },
    ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
    { field: "count", type: "quantitative", title: "events", format: "," },
    ...(share ? [{ field: "share", type: "quantitative", title: "share", format: ".2%" }] : []),
  ];
  const colors = colorEncoding(series, {
    symbolType: outlined ? "stroke" : "square",
    ...(stacked ? { from: Array.from(series.labels.keys()).reverse() } : {}),
  });
  const bars = {
    transform: [rangeText(field), ...(outlined ? [{ filter: "datum.high > datum.low" }] : [])],
    // behind an outline the bar is only there to say what it is
    mark: { type: "bar", clip: true, color: SINGLE_COLOR, binSpacing: 0.5, ...(outlined ? { fillOpacity: 0 } : {}) },
    encoding: {
      x: { ...x, bin: "binned" },
      x2: { field: "high" },
      y,
      ...colors,
      ...(stacked ? stackOrder(series) : {}),
      tooltip,
    },
  };
  const outline = {
    mark: { type: "line", interpolate: "step-after", clip: true, strokeWidth: 2, strokeJoin: "round" },
    encoding: { x, y, detail: { field: "part" }, ...colors },
  };
  const params = [zoom("x"), ...legendPick(series)];
  return frame(table, options, {
    title: `Histogram of ${fieldTitle(field)}${series.title ? ` by ${series.title}` : ""}`,
    ...(counts === undefined ? {} : { counts }),
    notes,
    says: describe(field, rows),
    values: outlined ? outlines(rows) : rows,
    layers: outlined ? [{ params, ...outline }, bars] : [{ params, ...bars }],
  });
}

function describe(field: string, rows: readonly Bar[]): string | undefined {
  if (rows.length === 0) return undefined;
  const value = (edge: number) => formatValue(field, edge);
  const fullest = rows.reduce((most, bar) => (bar.count > most.count ? bar : most));
  const [low, high] = [Math.min(...rows.map((bar) => bar.low)), Math.max(...rows.map((bar) => bar.high))];
  const whose = fullest.group === undefined ? "" : ` of ${fullest.group}`;
  return `Values from ${value(low)} to ${value(high)}; the fullest bin has ${counted(fullest.count, "event")}${whose}, from ${value(fullest.low)} to ${value(fullest.high)}.`;
}

/** The same bars as the corners of their outlines: one line for bars that touch, down to zero at both of its ends. */
function outlines(rows: readonly Bar[]): (Bar & { part: number })[] {
  const corners: (Bar & { part: number })[] = [];
  const sorted = [...rows].sort((a, b) => a.rank! - b.rank! || a.low - b.low);
  sorted.forEach((bar, i) => {
    const [before, after] = [sorted[i - 1], sorted[i + 1]];
    const touches = (left: Bar | undefined, right: Bar | undefined) =>
      left !== undefined && right !== undefined && left.rank === right.rank && left.high >= right.low;
    const foot = (at: number) => ({ ...bar, low: at, high: at, count: 0, share: 0 });
    const part = touches(before, bar) ? corners.at(-1)!.part : i;
    if (!touches(before, bar)) corners.push({ ...foot(bar.low), part });
    corners.push({ ...bar, part });
    if (!touches(bar, after)) corners.push({ ...foot(bar.high), part });
  });
  return corners;
}
