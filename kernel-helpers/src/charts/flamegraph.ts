import type { ColumnTable } from "arquero";
import type { ColumnName } from "../streams/table.js";
import { ArgumentError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type Column, isNumeric, numbersOf, requireColumn, visibleRows } from "../tables/columns.js";
import { counted, formatNumber, formatValue } from "../tables/units.js";
import { exactExpression, fieldTitle } from "./axes.js";
import type { Chart } from "./chart.js";
import { hash } from "./colors.js";
import { callTree, flameBoxes, type FlameBox } from "./flame-tree.js";
import { frame, type FrameOptions } from "./frame.js";
import { columnName } from "./column-name.js";

/** Options of `charts.flamegraph`. */
export interface FlamegraphOptions<Name extends string = string> extends FrameOptions {
  /**
   * Column of folded stacks, the outermost function first: `main;read_file;memcpy`; default `stack`. Of several columns
   * each stands on the one before, and functions of the last, if it is `kernel_stack`, end in `_[k]`; a table without
   * `stack` has `comm`, `user_stack` and `kernel_stack`, those that are there.
   */
  stack?: Name | readonly Name[];
  /** Column of numbers, the boxes' widths: samples, or times; default `count` if there is one, else each row counts once. */
  value?: Name;
  /** Column of the same from another capture to compare with: boxes are coloured by how their share has changed. */
  base?: Name;
}

const ROW_HEIGHT = 17;
const NARROWEST = 1 / 2500;
const DEEPEST = 127; // what the kernel keeps of a stack
/** Boxes in one chart: more make a page slow. */
const MOST_BOXES = 4000;
const INK = "#1a1a1a"; // boxes are light on any ground

/**
 * Where time goes, by who called whom: one box per function, as wide as its share, on top of the box of its caller. A click
 * on a box makes it as wide as the chart, a double click goes back; boxes have all their numbers on hover.
 *
 * With `base` it compares: red boxes have a larger share than in `base`, blue ones a smaller.
 *
 * @throws ArgumentError if a column is missing, `stack` is not text, or `value` or `base` holds no numbers.
 * @example
 * charts.flamegraph(stacks, { stack: "stack", value: "count" })
 * charts.flamegraph(stacks, { value: "after", base: "before", title: "With the new allocator" })
 * charts.flamegraph(await probe("profile:99").groupby("comm", "user_stack", "kernel_stack").count().collect({ seconds: 5 }))
 */
export function flamegraph<Table extends ColumnTable>(
  table: Table,
  options: FlamegraphOptions<ColumnName<Table>> = {},
): Chart {
  const columns = [options.stack ?? usualStacks(table)]
    .flat()
    .map((name) => columnName(name, "stack", "charts.flamegraph"));
  const value = options.value ?? (table.columnIndex("count") >= 0 ? "count" : undefined);
  const stacks = stacksOf(table, columns);
  const values =
    value === undefined
      ? new Float64Array(stacks.length).fill(1)
      : numbersOf(table, value, "value of charts.flamegraph");
  const base = options.base === undefined ? undefined : numbersOf(table, options.base, "base of charts.flamegraph");

  const root = callTree({ stacks, values, base });
  let limit = NARROWEST;
  let { boxes, leftOut } = flameBoxes(root, { narrowest: limit, deepest: DEEPEST });
  while (boxes.length > MOST_BOXES)
    ({ boxes, leftOut } = flameBoxes(root, { narrowest: (limit *= 2), deepest: DEEPEST }));
  const rows = boxes.map((box) => ({
    name: visible(box.name),
    depth: box.depth,
    x0: box.x0,
    x1: box.x1,
    value: box.value,
    self: box.self,
    ofAll: box.value / root.value,
    ofCaller: box.value / box.parent,
    ...(base ? { base: box.base, change: changeOf(box, root) } : { color: warmColor(box.name) }),
  }));
  const height = (1 + Math.max(0, ...boxes.map(({ depth }) => depth))) * ROW_HEIGHT;
  const measure = value === undefined || value === "count" ? "samples" : fieldTitle(value);
  const unit = value ?? "samples";

  return frame(
    table,
    { ...options, height: options.height ?? height },
    {
      title: `Flame graph of ${measure}${base ? ` compared with ${fieldTitle(options.base!)}` : ""}`,
      counts: `${measure === "samples" ? counted(root.value, "sample") : formatValue(unit, root.value)} in ${counted(stacks.length, "stack")}`,
      notes: [
        leftOut
          ? `${formatNumber(leftOut)} boxes narrower than ${Number((100 * limit).toPrecision(2))} % left out`
          : undefined,
      ],
      says: describe(boxes, root.value),
      values: rows,
      layers: [
        {
          params: [
            {
              name: "box",
              select: { type: "point", fields: ["x0", "x1"], toggle: false, on: "click", clear: "dblclick" },
            },
          ],
          transform: [
            ...zoomed,
            { calculate: exactExpression(unit, "datum.value"), as: "text" },
            { calculate: exactExpression(unit, "datum.self"), as: "alone" },
            ...(base ? [{ calculate: exactExpression(unit, "datum.base"), as: "before" }] : []),
          ],
          mark: { type: "rect", clip: true, cursor: "pointer", stroke: "#80808080", strokeWidth: 0.5 },
          encoding: {
            x: { field: "left", type: "quantitative", scale: { domain: [0, 1], nice: false }, axis: null },
            x2: { field: "right" },
            y: {
              field: "depth",
              type: "quantitative",
              scale: { domain: [0, height / ROW_HEIGHT], nice: false },
              axis: null,
            },
            y2: { field: "top" },
            color: base ? changeColor : { field: "color", type: "nominal", scale: null },
            tooltip: [
              { field: "name", type: "nominal", title: "function" },
              { field: "text", type: "nominal", title: measure },
              { field: "alone", type: "nominal", title: "in it alone" },
              { field: "ofAll", type: "quantitative", title: "of all", format: ".2%" },
              { field: "ofCaller", type: "quantitative", title: "of its caller", format: ".2%" },
              ...(base ? [{ field: "before", type: "nominal", title: fieldTitle(options.base!) }] : []),
            ],
          },
        },
        {
          transform: [
            ...zoomed,
            { calculate: "(datum.right - datum.left) * width", as: "room" },
            { filter: "datum.room > 34" },
          ],
          mark: {
            type: "text",
            align: "left",
            baseline: "middle",
            dx: 4,
            fontSize: 11,
            clip: true,
            color: INK,
            limit: { expr: "datum.room - 7" },
          },
          encoding: {
            x: { field: "left", type: "quantitative" },
            y: { field: "middle", type: "quantitative" },
            text: { field: "name" },
          },
        },
      ],
    },
  );
}

/** Boxes as they stand when the one that was clicked is as wide as the chart: those beside it are out of sight. */
const zoomed = [
  { calculate: "isValid(box.x0) ? box.x0[0] : 0", as: "from" },
  { calculate: "isValid(box.x1) ? box.x1[0] : 1", as: "to" },
  { calculate: "max((datum.x0 - datum.from) / (datum.to - datum.from), 0)", as: "left" },
  { calculate: "min((datum.x1 - datum.from) / (datum.to - datum.from), 1)", as: "right" },
  { filter: "datum.right - datum.left > 1e-9" },
  { calculate: "datum.depth + 1", as: "top" },
  { calculate: "datum.depth + 0.5", as: "middle" },
];

/** How many times as large a share as in the base, as a power of two from -2 to 2. */
function changeOf(box: FlameBox, root: { value: number; base: number }): number {
  const [now, before] = [box.value / root.value, root.base ? box.base / root.base : 0];
  return before ? Number(Math.min(Math.max(Math.log2(now / before), -2), 2).toPrecision(4)) : 2;
}

const changeColor = {
  field: "change",
  type: "quantitative",
  scale: { domain: [-2, 0, 2], range: ["#7fb3e6", "#eeeeee", "#f28b6d"], type: "linear" },
  legend: {
    title: "share",
    values: [-2, -1, 0, 1, 2],
    labelExpr: "datum.value === 0 ? 'as before' : format(pow(2, datum.value), '~r') + ' times'",
  },
};

/** Hues from yellow to red, always the same for a function. */
function warmColor(name: string): string {
  const value = hash(name);
  return hsl(8 + (value % 44), 78, 62 + ((value >>> 8) % 13));
}

function hsl(hue: number, saturation: number, lightness: number): string {
  const strength = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100);
  const part = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value = lightness / 100 - strength * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

/** The functions in which most time was spent, by themselves. */
function describe(boxes: readonly FlameBox[], all: number): string | undefined {
  if (boxes.length === 0) return undefined;
  const alone = new Map<string, number>();
  for (const { name, self } of boxes) alone.set(name, (alone.get(name) ?? 0) + self);
  const most = [...alone].sort(([, a], [, b]) => b - a).slice(0, 5);
  const texts = most
    .filter(([, self]) => self > 0)
    .map(([name, self]) => `${name} ${((100 * self) / all).toFixed(1)} %`);
  return `By itself: ${texts.join(", ")}.`;
}

/** Columns that are stacked up when nobody says which. */
function usualStacks(table: ColumnTable): string[] {
  const has = (name: string) => table.columnIndex(name) >= 0;
  const stacks = ["user_stack", "kernel_stack"].filter(has);
  return has("stack") || stacks.length === 0 ? ["stack"] : ["comm", ...stacks].filter(has);
}

/** Folded text of each row, of one column or of several, each on top of the one before. */
function stacksOf(table: ColumnTable, names: readonly string[]): string[] {
  const texts = names.map((name) => {
    const column = requireColumn(table, name, "stack of charts.flamegraph");
    if (isNumeric(column) && column.length > 0)
      throw new ArgumentError(
        `stack of charts.flamegraph needs folded stacks such as "main;read;copy", and column "${name}" holds none.`,
      );
    const found = textsOf(table, column);
    if (names.length === 1) return found;
    if (name === "kernel_stack") return found.map((text) => text.replace(/[^;]+/g, "$&_[k]"));
    return name === "comm" ? found.map((text) => text.replaceAll(";", ":")) : found;
  });
  if (texts.length === 1) return texts[0]!;
  return texts[0]!.map((_, row) => texts.flatMap((column) => column[row] || []).join(";"));
}

function textsOf(table: ColumnTable, column: Column): string[] {
  const rows = visibleRows(table) ?? Array.from({ length: column.length }, (_, row) => row);
  return Array.from(rows, (row) => String(column.at(row) ?? ""));
}
