/** The bars of a histogram, from bins that were counted here or elsewhere. */
import type { ColumnTable } from "arquero";
import { fieldTitle, valueAxis, valueExpression } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { fixedScale } from "./scale.js";
import { colorEncoding, legendPick, type Series, stackOrder } from "./series.js";
import { singleColor } from "./theme.js";
import { zoom } from "./zoom.js";

export interface Bins {
  /** What was binned, such as `duration_ns`: names the axis and its unit. */
  field: string;
  /** A bar each: `low`, `high`, `count`, `share` if shares are drawn, and the group's field. */
  rows: Record<string, unknown>[];
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

/** A chart of bars, stacked by count or beside each other as shares of their group. */
export function binBars(
  table: ColumnTable,
  options: FrameOptions,
  { field, rows, series, share, log, min, max, notes, counts }: Bins,
): Chart {
  return frame(table, options, {
    title: `Histogram of ${fieldTitle(field)}${series.title ? ` by ${series.title}` : ""}`,
    ...(counts === undefined ? {} : { counts }),
    notes,
    values: rows,
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [
          {
            calculate: `(${valueExpression(field, "datum.low")}) + ' to ' + (${valueExpression(field, "datum.high")})`,
            as: "range",
          },
        ],
        mark: {
          type: "bar",
          clip: true,
          color: singleColor,
          binSpacing: 0.5,
          ...(share && series.labels.length > 1 ? { fillOpacity: 0.65 } : {}),
        },
        encoding: {
          x: {
            field: "low",
            type: "quantitative",
            bin: "binned",
            scale: fixedScale(log, min, max),
            axis: valueAxis(field, log, "x"),
          },
          x2: { field: "high" },
          y: share
            ? {
                field: "share",
                type: "quantitative",
                stack: null,
                axis: {
                  title: `share of ${series.title ? `each ${series.title}'s ` : ""}events`,
                  format: ".0%",
                  tickCount: 6,
                },
              }
            : {
                field: "count",
                type: "quantitative",
                stack: "zero",
                axis: { title: "events", format: ",~r", tickCount: 6 },
              },
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
