import { visible } from "../base/text.js";
import { requireInteger, requireOneOf } from "../base/arguments.js";
import type { ColumnTable } from "arquero";
import { groupCounts, groupLabel, groupRows, type Groups } from "../tables/groups.js";
import { nameLabels } from "./axes.js";
import { sessionColors } from "./colors.js";
import { OTHER_COLOR } from "./theme.js";

/** The groups that a chart tells apart by colour: the largest ones, and the rest as one. */
export interface Series {
  /** Label of each series, largest first, the rest last. Empty when nothing is told apart. */
  readonly labels: readonly string[];
  readonly colors: readonly string[];
  /** Number of series, 1 when nothing is told apart. */
  readonly size: number;
  /** Series of each visible row, undefined when all rows are series 0. */
  readonly ids: Uint32Array | undefined;
  /** The columns told apart by, for the legend's title. */
  readonly title: string;
  /** What the subtitle says about groups left together, and about colours. */
  readonly note: string | undefined;
  /** How many of the series before each have its colour: 0 while there are colours enough. */
  readonly repeats: readonly number[];
  /** True if the groups have an order of their own, which the legend keeps. */
  readonly ordered: boolean;
}

/** How a chart tells groups apart. */
export interface SeriesOptions<Name extends string = string> {
  /** Column or columns to tell apart by colour; default the table's own `groupby`, else none. */
  by?: Name | readonly Name[];
  /** Most groups to tell apart, the rest being drawn together as "other"; default 8. */
  top?: number;
  /** The order of the groups: the largest first (`size`, the default), or as the table has them. */
  order?: "size" | "table";
}

/**
 * Series for the visible rows, the largest first unless told otherwise: by the number of rows, or by the sum of their weights.
 *
 * @throws ArgumentError if a column is missing, `top` is no whole number from 1 on, or `order` is none.
 */
export function seriesOf(
  table: ColumnTable,
  { by, top = 8, order: wanted = "size" }: SeriesOptions,
  chart: string,
  weights?: Float64Array,
): Series {
  requireInteger("top", top, { from: 1 });
  requireOneOf("order", wanted, ["size", "table"]);
  const groups = groupRows(table, by, `by of ${chart}`);
  const title = groups.by.map(visible).join(" · ");
  if (groups.by.length === 0)
    return { labels: [], colors: [], size: 1, ids: undefined, title, note: undefined, repeats: [], ordered: false };

  const counts = groupCounts(groups, table.numRows(), weights);
  const order = Array.from(counts.keys()).sort((a, b) => (wanted === "size" ? counts[b]! - counts[a]! : 0) || a - b);
  const kept = order.slice(0, top);
  const labels = kept.map((group) => seriesLabel(groups, group));
  const colors = sessionColors.colorsFor(labels);
  const seriesOfGroup = new Uint32Array(groups.size).fill(kept.length);
  kept.forEach((group, series) => (seriesOfGroup[group] = series));

  const repeats = colors.map((color, i) => colors.slice(0, i).filter((other) => other === color).length);
  const notes = [colorNote(labels, colors, repeats)];
  if (order.length > kept.length) {
    const rest = labels.includes("other") ? "other groups" : "other";
    labels.push(rest);
    colors.push(OTHER_COLOR);
    repeats.push(0);
    notes.unshift(
      `${wanted === "size" ? "top" : "first"} ${kept.length} of ${order.length.toLocaleString("en")} by ${title}, the rest as “${rest}”`,
    );
  }
  const note = notes.filter(Boolean).join(" · ") || undefined;
  const ids = groups.ids!; // groupRows made them for this call: they become the series'
  for (let i = 0; i < ids.length; i++) ids[i] = seriesOfGroup[ids[i]!]!;
  return { labels, colors, size: Math.max(labels.length, 1), ids, title, note, repeats, ordered: wanted === "table" };
}

/** What a reader has to know who goes by colours, where there are more names than colours. */
function colorNote(
  labels: readonly string[],
  colors: readonly string[],
  repeats: readonly number[],
): string | undefined {
  if (repeats.some((before) => before > 0)) return `${labels.length} groups share ${new Set(colors).size} colours`;
  const moved = labels.filter((label, i) => sessionColors.colorOf(label) !== colors[i]);
  if (moved.length === 0) return undefined;
  const named = moved.length > 3 ? [...moved.slice(0, 2), `${moved.length - 2} more`] : moved;
  return `not in the colour of other charts: ${named.join(", ")}`;
}

/**
 * A group's name as a chart can hold it. Vega keeps groups in plain objects, by name, and fails over a
 * process called `constructor` or `__proto__`: such a name gets a no-break space behind it.
 */
export function seriesLabel(groups: Groups, group: number): string {
  const label = groupLabel(groups, group);
  return label in {} ? `${label}\u00a0` : label;
}

/** How a chart shows its series. */
interface ColorOptions {
  symbolType?: "square" | "stroke";
  /** Ids of the series from top to bottom as they stand in the chart, for the legend to name them so; default theirs. */
  from?: readonly number[] | undefined;
  /** Pixels beside the plot that something else takes. */
  beside?: number;
}

/** Characters of a name that a legend has room for. */
const MOST_LABEL = 22;

/** What tells lines of one colour apart: solid first, then dashes. */
const dashes = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [14, 4],
];

/** The `color` encoding of a chart whose rows carry their series' label in `group`; nothing when there is but one. */
export function colorEncoding(
  series: Series,
  { symbolType = "square", from, beside = 0 }: ColorOptions = {},
): Record<string, unknown> {
  if (series.labels.length === 0) return {};
  const values = from?.map((id) => series.labels[id]!);
  const legend = {
    title: series.title,
    symbolType,
    ...(series.labels.some((label) => label.length > MOST_LABEL) ? { labelExpr: nameLabels(MOST_LABEL) } : {}),
    ...(values ? { values } : {}),
    ...(beside ? { offset: 18 + beside } : {}),
  };
  const by = (range: readonly unknown[]) => ({
    field: "group",
    type: "nominal",
    scale: { domain: series.labels, range },
    legend,
  });
  const dashed = symbolType === "stroke" && series.repeats.some((before) => before > 0);
  return {
    color: by(series.colors),
    ...(dashed ? { strokeDash: by(series.repeats.map((before) => dashes[before % dashes.length])) } : {}),
    opacity: { condition: { param: "pick", value: 1 }, value: 0.12 },
  };
}

/** Ids of the series, the one with the largest figure first, those without one last; undefined if they have an order of their own. */
export function idsByFigure(series: Series, figures: ArrayLike<number>): number[] | undefined {
  if (series.ordered) return undefined;
  const figure = (id: number) => (Number.isNaN(figures[id]!) ? -Infinity : figures[id]!);
  return Array.from(series.labels.keys()).sort((a, b) => figure(b) - figure(a) || a - b);
}

/** A click on a legend entry picks out its series. */
export function legendPick(series: Series): Record<string, unknown>[] {
  return series.labels.length === 0
    ? []
    : [{ name: "pick", select: { type: "point", fields: ["group"] }, bind: "legend" }];
}

/** The data row's part that names its series, and its place among them. */
export function groupField(series: Series, id: number): { group?: string; rank?: number } {
  return series.labels.length === 0 ? {} : { group: series.labels[id]!, rank: id };
}

/** Stacks with the first series at the bottom, where lengths compare best; the legend names them from the top. */
export function stackOrder(series: Series): Record<string, unknown> {
  return series.labels.length === 0 ? {} : { order: { field: "rank", type: "quantitative", sort: "ascending" } };
}
