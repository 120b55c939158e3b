import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { binFinder } from "../tables/bin-finder.js";
import { extent, numbersOf } from "../tables/columns.js";
import { capital, fieldTitle, valueAxis, valueExpression } from "./axes.js";
import { linearEdges } from "./bins.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName, wholeNumber } from "./options.js";
import { edgesOf, fixedScale, scaleOf } from "./scale.js";
import { defaultSize, densityScheme } from "./theme.js";
import { secondsAxis, secondsPerUnit, sinceExpression } from "./time.js";
import { zoom } from "./zoom.js";

/** Options of `charts.heatmap`. */
export interface HeatmapOptions<Name extends string = string> extends FrameOptions {
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
  const xBins = wholeNumber(options.xBins ?? 100, "xBins", 1, 120);
  const yBins = wholeNumber(options.yBins ?? 50, "yBins", 1, 60);
  const times = numbersOf(table, x, "x of charts.heatmap");
  const values = numbersOf(table, y, "y of charts.heatmap");
  const perUnit = secondsPerUnit(x, "charts.heatmap");
  const first = extent(times);
  const scale = scaleOf(y, values, options.log);
  const yEdges = edgesOf(scale, yBins);
  const xEdges =
    first.count && yEdges.length
      ? linearEdges(0, Math.max((first.max - first.min) * perUnit, 1e-9) * (1 + 1e-9), xBins, timeSteps)
      : [];

  const cells = new Float64Array(Math.max(xEdges.length - 1, 0) * Math.max(yEdges.length - 1, 0));
  const [columnOf, rowOf] = [binFinder(xEdges), binFinder(yEdges)];
  for (let i = 0; i < times.length && cells.length; i++) {
    const column = columnOf((times[i]! - first.min) * perUnit);
    const row = rowOf(values[i]!);
    if (column >= 0 && row >= 0) cells[column * (yEdges.length - 1) + row]!++;
  }
  const rows: Record<string, unknown>[] = [];
  cells.forEach((count, cell) => {
    const column = Math.floor(cell / (yEdges.length - 1));
    const row = cell % (yEdges.length - 1);
    if (count)
      rows.push({ t0: xEdges[column], t1: xEdges[column + 1], low: yEdges[row], high: yEdges[row + 1], count });
  });

  return frame(table, wholePixels(options, xEdges.length - 1, yEdges.length - 1), {
    title: `${capital(fieldTitle(y))} over time`,
    notes: [scale.note],
    values: rows,
    layers: [
      {
        params: [zoom("x", "y")],
        transform: [
          {
            calculate: `(${valueExpression(y, "datum.low")}) + ' to ' + (${valueExpression(y, "datum.high")})`,
            as: "range",
          },
          { calculate: `(${sinceExpression("datum.t0")}) + ' to ' + (${sinceExpression("datum.t1")})`, as: "time" },
        ],
        mark: { type: "rect", clip: true, stroke: null },
        encoding: {
          x: {
            field: "t0",
            type: "quantitative",
            scale: fixedScale(false, xEdges[0], xEdges[xEdges.length - 1]),
            axis: secondsAxis,
          },
          x2: { field: "t1" },
          y: {
            field: "low",
            type: "quantitative",
            scale: fixedScale(scale.log, yEdges[0], yEdges[yEdges.length - 1]),
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
