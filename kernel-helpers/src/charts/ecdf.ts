import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { ecdfPoints, nearestRank } from "../tables/distribution.js";
import { type Groups, groupValues, sortWithinGroups } from "../tables/groups.js";
import { formatValue, supports } from "../tables/units.js";
import { capital, exactExpression, fieldTitle, valueAxis } from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { fixedScale, scaleOf } from "./scale.js";
import { colorEncoding, groupField, idsByFigure, legendPick, seriesOf, type SeriesOptions } from "./series.js";
import { SINGLE_COLOR } from "./colors.js";

import { zoom } from "./zoom.js";

/** Options of `charts.ecdf`. */
export interface EcdfChartOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of numbers. */
  x: Name;
  /** Logarithmic x axis; default true for times in ns that span more than a decade. */
  log?: boolean;
}

const MAX_POINTS = 1800;

/**
 * Which share of the events took at most so long: a step line a group. Every point is exact,
 * and half of them crowd at the slow end, so that the tail can be read.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.ecdf(writes, { x: "duration_ns", by: "comm" })
 */
export function ecdf<Table extends ColumnTable>(table: Table, options: EcdfChartOptions<ColumnName<Table>>): Chart {
  const x = columnName(options.x, "x", "charts.ecdf");
  const values = numbersOf(table, x, "x of charts.ecdf");
  const series = seriesOf(table, options, "charts.ecdf");
  const scale = scaleOf(x, values, options.log);

  const groups: Groups = { by: [], size: series.size, ids: series.ids, keys: [] };
  const sorted = sortWithinGroups(values, groups);
  const limit = Math.min(500, Math.floor(MAX_POINTS / series.size));
  const rows: Record<string, unknown>[] = [];
  for (let id = 0; id < series.size; id++) {
    const points = ecdfPoints(groupValues(sorted, id), limit).filter(({ value }) => !scale.log || value > 0);
    const group = groupField(series, id);
    points.forEach(({ value, share }, i) => {
      if (i === 0) rows.push({ value, share: 0, ...group }); // the line rises from the axis
      rows.push({ value, share, ...group });
    });
  }

  const medians = Array.from({ length: series.size }, (_, id) => groupValues(sorted, id)).map(
    (own) => own[nearestRank(own.length, 500)] ?? NaN,
  );
  const events = Array.from({ length: series.size }, (_, id) => groupValues(sorted, id).length);
  const of = (id: number) => (series.title ? ` of ${series.labels[id]!}` : "");
  const halves = medians.flatMap((median, id) =>
    supports(events[id]!, 500) ? `half${of(id)} at or below ${formatValue(x, median)}` : [],
  );

  return frame(table, options, {
    says: halves.length ? `${capital(halves.join(", "))}.` : undefined,
    title: `ECDF of ${fieldTitle(x)}${series.title ? ` by ${series.title}` : ""}`,
    notes: [series.note, scale.note],
    values: rows,
    layers: [
      {
        params: [zoom("x"), ...legendPick(series)],
        transform: [{ calculate: exactExpression(x, "datum.value"), as: "text" }],
        mark: { type: "line", interpolate: "step-after", clip: true, color: SINGLE_COLOR, strokeWidth: 2 },
        encoding: {
          x: {
            field: "value",
            type: "quantitative",
            scale: fixedScale(scale.log, scale.min, scale.max, x),
            axis: valueAxis(x, scale.log, "x"),
          },
          y: {
            field: "share",
            type: "quantitative",
            scale: { domain: [0, 1] },
            axis: { title: "share of events", format: ".0%", tickCount: 5 },
          },
          // the fastest rises first: at any height it is the leftmost, and above the others
          ...colorEncoding(series, {
            symbolType: "stroke",
            from: idsByFigure(
              series,
              medians.map((median) => -median),
            ),
          }),
          tooltip: [
            { field: "text", type: "nominal", title: fieldTitle(x) },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "share", type: "quantitative", title: "share at or below", format: ".3%" },
          ],
        },
      },
    ],
  });
}
