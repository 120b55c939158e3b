import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf } from "../tables/columns.js";
import { counted } from "../tables/units.js";
import { capital, fieldTitle, linearLabels, valueAxis, valueExpression } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./options.js";
import { colorEncoding, groupField, legendPick, seriesOf, type SeriesOptions } from "./series.js";
import { singleColor } from "./theme.js";
import { secondsAxis, secondsPerUnit, sinceExpression } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.lines`. */
export interface LinesOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of numbers. */
  y: Name;
  /** Column of times; default `time_ns`. Shown in seconds since the first. */
  x?: Name;
  /** Logarithmic y axis, which has no place for 0 and less; default false. */
  log?: boolean;
}

const maxPoints = 1800;

/**
 * A measured value over time, a line a group, such as a map that was polled. Every point is a row; of more
 * than some thousand rows each line keeps every so many, and the subtitle says so.
 *
 * @throws ArgumentError if a column is missing or holds no numbers.
 * @example
 * charts.lines(polls, { y: "writes", by: "comm" })
 */
export function lines<Table extends ColumnTable>(table: Table, options: LinesOptions<ColumnName<Table>>): Chart {
  const x = columnName(options.x ?? "time_ns", "x", "charts.lines");
  const y = columnName(options.y, "y", "charts.lines");
  const times = numbersOf(table, x, "x of charts.lines");
  const values = numbersOf(table, y, "y of charts.lines");
  const perUnit = secondsPerUnit(x, "charts.lines");
  const series = seriesOf(table, options, "charts.lines");
  const log = options.log ?? false;
  const { min } = extent(times);

  const rowsOf = Array.from({ length: series.size }, () => [] as number[]);
  values.forEach((value, i) => {
    if (Number.isFinite(value) && Number.isFinite(times[i]) && (!log || value > 0))
      rowsOf[series.ids ? series.ids[i]! : 0]!.push(i);
  });
  const step = Math.max(1, Math.ceil(rowsOf.reduce((sum, rows) => sum + rows.length, 0) / maxPoints));
  const rows = rowsOf.flatMap((indices, id) => {
    indices.sort((a, b) => times[a]! - times[b]!);
    return indices
      .filter((_, i) => i % step === 0)
      .map((i) => ({
        t: Number(((times[i]! - min) * perUnit).toPrecision(9)),
        value: values[i]!,
        ...groupField(series, id),
      }));
  });

  return frame(table, options, {
    title: `${capital(fieldTitle(y))} over time${series.title ? ` by ${series.title}` : ""}`,
    counts: counted(values.length, "row"),
    notes: [series.note, step > 1 ? `every ${step}th point` : undefined],
    values: rows,
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [
          { calculate: sinceExpression("datum.t"), as: "since" },
          { calculate: valueExpression(y, "datum.value"), as: "text" },
        ],
        mark: {
          type: "line",
          clip: true,
          color: singleColor,
          strokeWidth: 2,
          point: rows.length <= 200 ? { size: 20 } : false,
        },
        encoding: {
          x: { field: "t", type: "quantitative", scale: { nice: false, zero: false }, axis: secondsAxis },
          y: log
            ? { field: "value", type: "quantitative", scale: { type: "log" }, axis: valueAxis(y, true, "y") }
            : {
                field: "value",
                type: "quantitative",
                axis: { title: fieldTitle(y), labelExpr: linearLabels(y, "y"), tickCount: 6 },
              },
          ...colorEncoding(series, "stroke"),
          tooltip: [
            { field: "since", type: "nominal", title: "at" },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "text", type: "nominal", title: fieldTitle(y) },
          ],
        },
      },
    ],
  });
}
