import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { numbersOf } from "../tables/columns.js";
import { ecdfPoints, nearestRank } from "../tables/distribution.js";
import { type Groups, groupValues, sortWithinGroups } from "../tables/groups.js";
import { formatValue, supports } from "../tables/units.js";
import { exactExpression, fieldTitle, valueAxis } from "./axes.js";
import type { Chart } from "./chart.js";
import { SINGLE_COLOR } from "./colors.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { fixedScale, scaleOf } from "./scale.js";
import { colorEncoding, groupField, idsByFigure, legendPick, seriesOf, type SeriesOptions } from "./series.js";
import { zoom } from "./zoom.js";

/** Options of `charts.percentiles`. */
export interface PercentilesChartOptions<Name extends string = string> extends SeriesOptions<Name>, FrameOptions {
  /** Column of numbers; default `duration_ns`. */
  x?: Name;
  /** Logarithmic y axis; default true for times in ns that span more than a decade. */
  log?: boolean;
}

const MAX_POINTS = 1800;
/** How much further than the last percentile the maximum is drawn, which all beyond it are. */
const BEYOND = 1.05;

/**
 * How large a value each percentile is, on the axis that HDR histograms are drawn on: as far from 90 % to 99 % as from
 * 99 % to 99.9 %, which is where the tail is. Every point is exact. A line ends at the last percentile that its number of events
 * can support, where it has its maximum.
 *
 * @throws ArgumentError if a column is missing or an option is out of range.
 * @example
 * charts.percentiles(writes, { by: "comm" })
 */
export function percentiles<Table extends ColumnTable>(
  table: Table,
  options: PercentilesChartOptions<ColumnName<Table>> = {},
): Chart {
  const x = columnName(options.x ?? "duration_ns", "x", "charts.percentiles");
  const values = numbersOf(table, x, "x of charts.percentiles");
  const series = seriesOf(table, options, "charts.percentiles");
  const scale = scaleOf(x, values, options.log);

  const groups: Groups = { by: [], size: series.size, ids: series.ids, keys: [] };
  const sorted = sortWithinGroups(values, groups);
  const own = Array.from({ length: series.size }, (_, id) => groupValues(sorted, id));
  const limit = Math.min(500, Math.floor(MAX_POINTS / series.size));
  const rows = own.flatMap((all, id) => {
    const points = ecdfPoints(all, limit).filter(({ value }) => !scale.log || value > 0);
    // Below the first point the first value holds, and beyond the last but one the largest.
    const first = points[0] ? [{ value: points[0].value, share: 0 }] : [];
    return [...first, ...points].map(({ value, share }) => ({
      tail: share < 1 ? 1 / (1 - share) : BEYOND * all.length,
      percentile: share < 1 ? `p${percent(share)}` : "max",
      value,
      ...groupField(series, id),
    }));
  });
  const end = BEYOND * Math.max(...own.map(({ length }) => length), 10);
  const told = own.flatMap((all, id) => {
    if (all.length === 0) return [];
    const said = [500, 900, 990, 999].filter((perMille) => supports(all.length, perMille));
    const texts = said.map(
      (perMille) => `p${perMille / 10} ${formatValue(x, all[nearestRank(all.length, perMille)]!)}`,
    );
    const figures = [...texts, `maximum ${formatValue(x, all.at(-1)!)}`].join(", ");
    return `${series.title ? `${series.labels[id]!}: ` : ""}${figures}`;
  });

  return frame(table, options, {
    title: `Percentiles of ${fieldTitle(x)}${series.title ? ` by ${series.title}` : ""}`,
    notes: [series.note, scale.note],
    says: told.length ? `${told.join("; ")}.` : undefined,
    values: rows,
    layers: [
      {
        params: [zoom("x", "y"), ...legendPick(series)],
        transform: [{ calculate: exactExpression(x, "datum.value"), as: "text" }],
        mark: { type: "line", interpolate: "step-before", clip: true, color: SINGLE_COLOR, strokeWidth: 2 },
        encoding: {
          x: {
            field: "tail",
            type: "quantitative",
            scale: { type: "log", domain: [1, end], nice: false },
            axis: {
              title: "percentile",
              // Where 0 % stands too close to 50 % for both, it is the one to do without.
              values: [
                ...(end < 3e5 ? [1] : []),
                2,
                ...Array.from({ length: Math.floor(Math.log10(end) + 1e-9) }, (_, i) => 10 ** (i + 1)),
              ],
              labelExpr: "format(100 - 100 / datum.value, '.10~r') + '%'",
            },
          },
          y: {
            field: "value",
            type: "quantitative",
            scale: fixedScale(scale.log, scale.min, scale.max, x),
            axis: valueAxis(x, scale.log, "y"),
          },
          ...colorEncoding(series, {
            symbolType: "stroke",
            from: idsByFigure(
              series,
              own.map((all) => all.at(-1) ?? NaN),
            ),
          }),
          tooltip: [
            { field: "percentile", type: "nominal", title: "percentile" },
            ...(series.title ? [{ field: "group", type: "nominal", title: series.title }] : []),
            { field: "text", type: "nominal", title: fieldTitle(x) },
          ],
        },
      },
    ],
  });
}

/** A share below 1 as a percentage, with as many nines as it has. */
const percent = (share: number): string => String(Number((100 * share).toPrecision(10)));
