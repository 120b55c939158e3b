import { requireInteger } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { ArgumentError } from "../base/errors.js";
import { captureOf } from "../streams/capture.js";
import { type Column, isNumeric, numbersOf, requireColumn, visibleRows } from "../tables/columns.js";
import { groupRows } from "../tables/groups.js";
import { supportTest } from "../tables/support.js";
import { counted, formatValue } from "../tables/units.js";
import {
  capital,
  countAxis,
  exactExpression,
  fieldTitle,
  linearLabels,
  linearTicks,
  nameLabels,
  valueExpression,
} from "./axes.js";
import type { Chart } from "./chart.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";
import { seriesLabel } from "./series.js";
import { SINGLE_COLOR } from "./colors.js";
import { defaultSize, textColor } from "./theme.js";

/** Options of `charts.bar`. */
export interface BarOptions<Name extends string = string> extends FrameOptions {
  /** Column of names, a bar each. */
  x: Name;
  /** Column of numbers, the bars' lengths; rows of the same name are added up. Default: the number of rows. */
  y?: Name;
  /** Most bars, the first ones of the table; default 30. */
  top?: number;
}

/**
 * A bar for each name, in the table's order, horizontal, so that names can be read. For a table of
 * events without `y` it counts them, the most frequent first. A percentile that a name's number of events (`count`) cannot
 * support has no bar, and says so.
 *
 * @throws ArgumentError if a column is missing, `y` holds no numbers, or `top` is out of range.
 * @example
 * charts.bar(latency.summary(writes, { by: "comm" }), { x: "comm", y: "p99_ns" })
 */
export function bar<Table extends ColumnTable>(table: Table, options: BarOptions<ColumnName<Table>>): Chart {
  const x = columnName(options.x, "x", "charts.bar");
  const top = requireInteger("top", options.top ?? 30, { from: 1, to: 200 });
  const y = options.y === undefined ? undefined : columnName(options.y, "y", "charts.bar");
  requireColumn(table, x, "x of charts.bar");
  if (
    y !== undefined &&
    !isNumeric(requireColumn(table, y, "y of charts.bar")) &&
    isNumeric(table.column(x) as Column)
  ) {
    throw new ArgumentError(
      `charts.bar wants the names in x and the numbers in y; here "${y}" has the names: swap them.`,
    );
  }
  const rowsInOrder = table.isOrdered() ? table.reify() : table;
  const values = y === undefined ? undefined : numbersOf(rowsInOrder, y, "y of charts.bar");
  const groups = groupRows(rowsInOrder, x, "x of charts.bar");

  const totals = new Float64Array(groups.size).fill(NaN); // what has no number has no bar, which is not one of 0
  const test = y === undefined ? undefined : supportTest(rowsInOrder, y);
  const storedRow = visibleRows(rowsInOrder);
  const few = new Set<number>(); // groups with a percentile that their events cannot support
  for (let i = 0; i < groups.ids!.length; i++) {
    const value = values ? values[i]! : 1;
    const group = groups.ids![i]!;
    if (test?.(storedRow ? storedRow[i]! : i)) few.add(group);
    else if (Number.isFinite(value)) totals[group] = value + (totals[group]! || 0);
  }
  for (const group of few) totals[group] = NaN;
  let order = Array.from(totals.keys());
  if (!values) order = order.sort((a, b) => totals[b]! - totals[a]! || a - b);
  const shown = order.slice(0, top);
  const rows = shown.map((group) => {
    const total = totals[group]!;
    const name = seriesLabel(groups, group);
    if (!Number.isNaN(total)) return { name, value: total };
    return { name, value: null, missing: few.has(group) ? "too few events" : "unknown" };
  });

  const measure = y === undefined ? "events" : fieldTitle(y);
  const written = (write: typeof exactExpression) =>
    `datum.value === null ? datum.missing : ${write(y ?? "events", "datum.value")}`;
  const tooltip = [
    { field: "name", type: "nominal", title: x },
    { field: "exact", type: "nominal", title: measure },
  ];
  const capture = captureOf(table);
  const drawn = rows.flatMap(({ value }) => value ?? []);
  // Beside bars to the left there must be room for their figures, and of nothing but zeros the axis begins at the left.
  const scale = drawn.some((value) => value < 0)
    ? { scale: { padding: 50 } }
    : drawn.length > 0 && Math.max(...drawn) === 0
      ? { scale: { domain: [0, 1] } }
      : {};
  const names = { field: "name", type: "nominal", sort: null, scale: { paddingInner: 0.25 } };
  return frame(
    table,
    { ...options, height: options.height ?? barsHeight(shown.length) },
    {
      title: `${/^p\d/.test(measure) ? measure : capital(measure)} by ${fieldTitle(x)}`,
      counts:
        y === undefined
          ? undefined
          : `${counted(table.numRows(), "row")}${capture && capture.of !== "entries" ? ` from ${counted(capture.rows, "event")}` : ""}`,
      notes: [
        order.length > shown.length ? `first ${shown.length} of ${order.length.toLocaleString("en")}` : undefined,
      ],
      says:
        rows.length === 0
          ? undefined
          : `${rows
              .slice(0, 5)
              .map(
                ({ name, value, missing }) => `${name} ${value === null ? missing : formatValue(y ?? "events", value)}`,
              )
              .join(", ")}${rows.length > 5 ? `, and ${rows.length - 5} more` : ""}.`,
      values: rows,
      layers: [
        {
          transform: [{ calculate: written(exactExpression), as: "exact" }],
          mark: { type: "bar", color: SINGLE_COLOR, cornerRadiusEnd: 2 },
          encoding: {
            y: {
              ...names,
              axis: {
                title: fieldTitle(x),
                ticks: false,
                labelExpr: nameLabels(26),
                labelLimit: 240,
                labelOverlap: false,
              },
            },
            x: {
              field: "value",
              type: "quantitative",
              ...scale,
              axis:
                y === undefined
                  ? countAxis
                  : { title: measure, labelExpr: linearLabels(y, "x"), ...linearTicks(y, "x", 6) },
            },
            tooltip,
          },
        },
        {
          transform: [
            { calculate: written(valueExpression), as: "text" },
            { calculate: written(exactExpression), as: "exact" },
            { calculate: "datum.value === null ? 0 : datum.value", as: "end" },
          ],
          mark: {
            type: "text",
            align: { expr: "datum.value < 0 ? 'right' : 'left'" },
            dx: { expr: "datum.value < 0 ? -4 : 4" },
            baseline: "middle",
            color: textColor,
            fontSize: 11,
          },
          encoding: { y: names, x: { field: "end", type: "quantitative" }, text: { field: "text" }, tooltip },
        },
      ],
    },
  );
}

/** Bars of a comfortable height; many are as high as the figures at their ends need at least. */
function barsHeight(bars: number): number {
  const most = 2 * defaultSize.height;
  return Math.max(Math.min(Math.max(bars * 22, 44), most), bars * 14);
}
