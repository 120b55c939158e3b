import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { counted } from "../tables/units.js";
import { bucketField } from "./axes.js";
import { binBars } from "./bin-bars.js";
import type { Chart } from "./chart.js";
import type { FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { groupField, seriesOf, type SeriesOptions } from "./series.js";

/** Options of `charts.buckets`. */
export interface BucketsChartOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of the buckets' lower bounds; default `low_ns`. */
  low?: Name;
  /** Column of their upper bounds; default `high_ns`. */
  high?: Name;
  /** Column of the number of values in each; default `count`. */
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
export function buckets<Table extends ColumnTable>(
  table: Table,
  options: BucketsChartOptions<ColumnName<Table>> = {},
): Chart {
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
  const rows = [...cells.values()].map(({ id, ...cell }) => ({
    ...cell,
    ...(share ? { share: cell.count / totals[id]! } : {}),
    ...groupField(series, id),
  }));
  const [min, max] = [Math.min(...rows.map((row) => row.low)), Math.max(...rows.map((row) => row.high))];
  const field = bucketField(low);

  return binBars(table, options, {
    field,
    rows,
    series,
    share,
    log: true,
    min,
    max,
    notes: [series.note],
    counts: counted(total, "event"),
  });
}
