import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { binFinder } from "../tables/bin-finder.js";
import { extent, numbersOf } from "../tables/columns.js";
import { counted, formatTime, formatValue } from "../tables/units.js";
import { capital, fieldTitle, rangeText, valueAxis } from "./axes.js";
import { timeEdges } from "./bins.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { edgesOf, fixedScale, scaleOf } from "./scale.js";
import { defaultSize, densityScheme } from "./theme.js";
import { type ClockOptions, secondsPerUnit, tidySeconds, timeAxis } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.heatmap`. */
export interface HeatmapOptions<Name extends string = string> extends ClockOptions, FrameOptions {
  /** Column of times; default `start_ns`. Shown in seconds since the first event. */
  x?: Name;
  /** Column of numbers; default `duration_ns`. */
  y?: Name;
  /** Logarithmic y axis; default true for times in ns that span more than a decade. */
  log?: boolean;
  /** Most columns of cells, up to 120; default 100. */
  xBins?: number;
  /** Most rows of cells, up to 60; default 50. */
  yBins?: number;
}

// Nobody reads off a heat map's cell width, and 1, 2, 5 alone would leave it with half the columns it could have.
const timeSteps = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

/**
 * How a value is spread over time: cells of time and size, coloured by the number of events, on a log scale.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.heatmap(writes, { x: "start_ns", y: "duration_ns" })
 */
export function heatmap<Table extends ColumnTable>(
  table: Table,
  options: HeatmapOptions<ColumnName<Table>> = {},
): Chart {
  const x = columnName(options.x ?? "start_ns", "x", "charts.heatmap");
  const y = columnName(options.y ?? "duration_ns", "y", "charts.heatmap");
  const xBins = requireInteger("xBins", options.xBins ?? 100, { from: 1, to: 120 });
  const yBins = requireInteger("yBins", options.yBins ?? 50, { from: 1, to: 60 });
  const times = numbersOf(table, x, "x of charts.heatmap");
  const values = numbersOf(table, y, "y of charts.heatmap");
  const perUnit = secondsPerUnit(x, "charts.heatmap");
  const first = extent(times);
  const scale = scaleOf(y, values, options.log);
  const yEdges = edgesOf(scale, yBins);
  const xEdges = first.count && yEdges.length ? timeEdges((first.max - first.min) * perUnit, xBins, timeSteps) : [];

  const cells = new Float64Array(Math.max(xEdges.length - 1, 0) * Math.max(yEdges.length - 1, 0));
  const end = xEdges[xEdges.length - 1]!;
  const [columnOf, rowOf] = [binFinder(xEdges), binFinder(yEdges)];
  for (let i = 0; i < times.length && cells.length; i++) {
    const at = (times[i]! - first.min) * perUnit;
    const column = at >= end ? xEdges.length - 2 : columnOf(at);
    const row = rowOf(values[i]!);
    if (column >= 0 && row >= 0) cells[column * (yEdges.length - 1) + row]!++;
  }
  const time = timeAxis(table, options, first.min * perUnit * 1e9);
  const ends = xEdges.map((edge) => tidySeconds(time.offset + edge));
  const rows: { t0: number; t1: number; low: number; high: number; count: number }[] = [];
  cells.forEach((count, cell) => {
    const column = Math.floor(cell / (yEdges.length - 1));
    const row = cell % (yEdges.length - 1);
    if (count)
      rows.push({ t0: ends[column]!, t1: ends[column + 1]!, low: yEdges[row]!, high: yEdges[row + 1]!, count });
  });

  const fullest = rows.reduce<(typeof rows)[number] | undefined>(
    (most, cell) => (most && most.count >= cell.count ? most : cell),
    undefined,
  );
  return frame(table, wholePixels(options, xEdges.length - 1, yEdges.length - 1), {
    title: `${capital(fieldTitle(y))} over time`,
    notes: [scale.note],
    says: rows.length
      ? `Over ${formatTime((first.max - first.min) * perUnit * 1e9)}, between ${formatValue(y, scale.min)} and ${formatValue(y, scale.max)}; most, ${counted(fullest!.count, "event")}, from ${formatValue(y, fullest!.low)} to ${formatValue(y, fullest!.high)}.`
      : undefined,
    values: rows,
    layers: [
      {
        params: [zoom("x", "y")],
        transform: [
          rangeText(y),
          { calculate: `(${time.text("datum.t0")}) + ' to ' + (${time.text("datum.t1")})`, as: "time" },
        ],
        mark: { type: "rect", clip: true, stroke: null },
        encoding: {
          x: {
            field: "t0",
            type: "quantitative",
            scale: fixedScale(false, ends[0], ends[ends.length - 1]),
            axis: time.axis,
          },
          x2: { field: "t1" },
          y: {
            field: "low",
            type: "quantitative",
            scale: fixedScale(scale.log, yEdges[0], yEdges[yEdges.length - 1], y),
            axis: valueAxis(y, scale.log, "y"),
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
            { field: "range", type: "nominal", title: fieldTitle(y) },
            { field: "count", type: "quantitative", title: "events", format: "," },
          ],
        },
      },
    ],
  });
}

/** A size in which every cell is a whole number of pixels: otherwise hairlines show between the cells. */
function wholePixels(options: FrameOptions, columns: number, rows: number): FrameOptions {
  const fit = (size: number, cells: number) => (cells > 0 ? Math.max(Math.round(size / cells), 1) * cells : size);
  return {
    ...options,
    width: fit(options.width ?? defaultSize.width, columns),
    height: fit(options.height ?? defaultSize.height, rows),
  };
}
