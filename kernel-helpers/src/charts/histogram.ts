import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { binFinder } from "../tables/bin-finder.js";
import { numbersOf } from "../tables/columns.js";
import { type Bar, binBars } from "./bin-bars.js";
import type { Chart } from "./chart.js";
import type { FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { edgesOf, scaleOf } from "./scale.js";
import { groupField, seriesOf, type SeriesOptions } from "./series.js";

/** Options of `charts.histogram`. */
export interface HistogramChartOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of numbers to count. */
  x: Name;
  /** Logarithmic x axis; default true for times in ns that span more than a decade. */
  log?: boolean;
  /** Most bins; default 60. */
  bins?: number;
  /** Bars of each group's own share instead of counts; default true for more than one group, where the largest would hide the rest. */
  share?: boolean;
}

/**
 * How often each size of a value occurred: bars of counts, or of each group's own share.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.histogram(writes, { x: "duration_ns", by: "comm" })
 */
export function histogram<Table extends ColumnTable>(
  table: Table,
  options: HistogramChartOptions<ColumnName<Table>>,
): Chart {
  const x = columnName(options.x, "x", "charts.histogram");
  const bins = requireInteger("bins", options.bins ?? 60, { from: 1, to: 200 });
  const values = numbersOf(table, x, "x of charts.histogram");
  const series = seriesOf(table, options, "charts.histogram");
  const scale = scaleOf(x, values, options.log);
  const edges = edgesOf(scale, bins);

  const cells = Math.max(edges.length - 1, 0);
  const counts = new Float64Array(cells * series.size);
  const binOf = binFinder(edges);
  for (let i = 0; i < values.length && cells; i++) {
    const bin = binOf(values[i]!);
    if (bin >= 0) counts[(series.ids ? series.ids[i]! : 0) * cells + bin]!++;
  }
  const share = options.share ?? series.labels.length > 1;
  const totals = Array.from({ length: series.size }, (_, id) =>
    counts.subarray(id * cells, (id + 1) * cells).reduce((sum, count) => sum + count, 0),
  );
  const rows: Bar[] = [];
  counts.forEach((count, cell) => {
    const bin = cell % cells;
    const id = Math.floor(cell / cells);
    if (count)
      rows.push({
        low: edges[bin]!,
        high: edges[bin + 1]!,
        count,
        ...(share ? { share: count / totals[id]! } : {}),
        ...groupField(series, id),
      });
  });

  return binBars(table, options, {
    field: x,
    rows,
    series,
    share,
    log: scale.log,
    min: edges[0],
    max: edges[cells],
    notes: [series.note, scale.note],
  });
}
