import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { extent, numbersOf, visibleRows } from "../tables/columns.js";
import { supportTest } from "../tables/support.js";
import { counted, formatTime, formatValue } from "../tables/units.js";
import { capital, exactExpression, fieldTitle, linearLabels, linearTicks, valueAxis } from "./axes.js";
import type { Chart } from "./chart.js";
import { SINGLE_COLOR } from "./colors.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { colorEncoding, groupField, idsByFigure, legendPick, seriesOf, type SeriesOptions } from "./series.js";
import { extremes, unbroken } from "./polyline.js";
import { defaultSize } from "./theme.js";
import { type ClockOptions, secondsPerUnit, tidySeconds, timeAxis } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.lines`. */
export interface LinesOptions<Name extends string = string> extends SeriesOptions<Name>, ClockOptions, FrameOptions {
  /** Column of numbers. */
  y: Name;
  /** Column of times; default `time_ns`. Shown in seconds since the first. */
  x?: Name;
  /** Logarithmic y axis, which has no place for 0 and less; default false. */
  log?: boolean;
}

/** Points of all lines together: more make a page slow. */
const MAX_POINTS = 6000;

/**
 * A measured value over time, one line per group, such as a map that was polled. Of more rows than there are pixels each
 * line keeps the least and the largest value of every pixel, and the subtitle says so. A line breaks where a value is
 * missing: where it is not a number, where rows that come at regular times leave some out, and where it is a percentile that
 * the row's number of events (`count`) cannot support.
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
  const { min, max } = extent(times);
  const time = timeAxis(table, options, min * perUnit * 1e9);

  const rowsOf = Array.from({ length: series.size }, () => [] as number[]);
  times.forEach((at, i) => Number.isFinite(at) && rowsOf[series.ids ? series.ids[i]! : 0]!.push(i));
  for (const rows of rowsOf) rows.sort((a, b) => times[a]! - times[b]!);
  const test = supportTest(table, y);
  const stored = visibleRows(table);
  const few = test ? Array.from(values, (_, row) => test(stored ? stored[row]! : row) !== undefined) : [];
  const has = (row: number) => Number.isFinite(values[row]!) && (!log || values[row]! > 0) && !few[row];
  const parts = rowsOf.map((rows) => unbroken(rows, times, has));

  const pixels = Math.min(options.width ?? defaultSize.width, Math.floor(MAX_POINTS / 2 / series.size));
  const pixel = (max - min) / pixels;
  const shown = parts.map((own) => {
    const points = own.reduce((sum, part) => sum + part.length, 0);
    return points <= 2 * pixels ? own : own.map((part) => extremes(part, times, values, min, pixel));
  });
  const thinned = shown.some((own, id) => own !== parts[id]);
  let part = 0;
  const rows = shown.flatMap((own, id) =>
    own.flatMap((points) => {
      part++;
      return points.map((i) => ({
        t: tidySeconds(time.offset + (times[i]! - min) * perUnit),
        value: values[i]!,
        part,
        ...groupField(series, id),
      }));
    }),
  );
  const leftOut = few.filter(Boolean).length;
  const range = extent(Float64Array.from(rows, ({ value }) => value));
  const last = parts.map((own) => own.at(-1)?.at(-1)).map((row) => (row === undefined ? NaN : values[row]!));

  return frame(table, options, {
    title: `${capital(fieldTitle(y))} over time${series.title ? ` by ${series.title}` : ""}`,
    counts: counted(values.length, "row"),
    notes: [
      series.note,
      leftOut ? `${counted(leftOut, "percentile")} of too few events left out` : undefined,
      thinned ? `least and largest value of every ${formatTime(pixel * perUnit * 1e9)}` : undefined,
    ],
    says: rows.length
      ? `Over ${formatTime((max - min) * perUnit * 1e9)}, between ${formatValue(y, range.min)} and ${formatValue(y, range.max)}.`
      : undefined,
    values: rows,
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [
          { calculate: time.text("datum.t"), as: "since" },
          { calculate: exactExpression(y, "datum.value"), as: "text" },
        ],
        mark: {
          type: "line",
          clip: true,
          color: SINGLE_COLOR,
          strokeWidth: 2,
          strokeCap: "round", // a point alone between two gaps is a dot
          strokeJoin: "round",
          point: rows.length <= 200 ? { size: 20 } : false,
        },
        encoding: {
          x: { field: "t", type: "quantitative", scale: { nice: false, zero: false }, axis: time.axis },
          y: log
            ? { field: "value", type: "quantitative", scale: { type: "log" }, axis: valueAxis(y, true, "y") }
            : {
                field: "value",
                type: "quantitative",
                axis: { title: fieldTitle(y), labelExpr: linearLabels(y, "y"), ...linearTicks(y, "y", 6) },
              },
          detail: { field: "part" },
          ...colorEncoding(series, { symbolType: "stroke", from: idsByFigure(series, last) }),
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
