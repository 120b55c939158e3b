import { requireNumber } from "../base/arguments.js";
import { visible } from "../base/text.js";
import { alarmColor, textColor } from "./theme.js";

// What a reader is to compare the data with: lines across a chart, and moments marked on its axis of time. Their names
// stand outside the plot, where no data are, and none over another.

const label = { type: "text", fontSize: 11, clip: false } as const;
const LINE_HEIGHT = 14;
/** About the width of 11 pixel text, on the safe side. */
const textWidth = (text: string): number => 6.4 * text.length;

/** Layers to draw, and the room that their labels take. */
export interface Annotation {
  layers: Record<string, unknown>[];
  /** Pixels beside the plot, or above it. */
  room: number;
}

/**
 * Dashed lines at values of y, each named at its right end, beside the plot.
 *
 * @param top the value at the upper end of the axis, which begins at 0
 * @throws ArgumentError if a value is not a number
 */
export function ruleLayers(
  rules: readonly { value: number; label: string }[],
  { top, height }: { top: number; height: number },
): Annotation {
  if (rules.length === 0) return { layers: [], room: 0 };
  for (const { value } of rules) requireNumber("the value of a rule", value);
  const values = rules.map((rule) => ({ value: rule.value, label: visible(rule.label) }));
  let free = -Infinity;
  const placed = [...values]
    .sort((a, b) => b.value - a.value)
    .map((rule) => {
      const at = Math.max(height * (1 - rule.value / top), free);
      free = at + LINE_HEIGHT;
      return { ...rule, at };
    });
  return {
    layers: [
      {
        data: { values },
        mark: { type: "rule", color: alarmColor, strokeDash: [6, 4], strokeWidth: 1.5, clip: true },
        encoding: { y: { field: "value", type: "quantitative" } },
      },
      {
        data: { values: placed },
        mark: { ...label, x: "width", dx: 6, align: "left", baseline: "middle", color: alarmColor },
        encoding: { y: { field: "at", type: "quantitative", scale: null }, text: { field: "label" } },
      },
    ],
    room: Math.max(...values.map((rule) => textWidth(rule.label))) + 12,
  };
}

/**
 * Dotted lines at moments, each named above the plot, in as many lines as it takes for no two to meet.
 *
 * @param domain the ends of the axis of time, in seconds as `t` is
 * @throws ArgumentError if a moment is not a number
 */
export function markLayers(
  marks: readonly { t: number; label: string }[],
  { domain: [from, to], width }: { domain: readonly [number, number]; width: number },
): Annotation {
  if (marks.length === 0) return { layers: [], room: 0 };
  for (const { t } of marks) requireNumber("the moment of a mark", t);
  // From the last to the first: the line of a later mark ends at its own name, below the names of those before it.
  const starts: number[] = []; // of the leftmost text in each line above the plot, from the lowest up
  const placed = [...marks]
    .sort((a, b) => b.t - a.t)
    .map(({ t, label }) => {
      const text = visible(label);
      const at = (width * (t - from)) / (to - from || 1);
      let line = starts.findIndex((start) => at + textWidth(text) + 6 <= start);
      if (line < 0) line = starts.push(Infinity) - 1;
      starts[line] = at;
      return { t, label: text, above: -4 - LINE_HEIGHT * line };
    });
  // Zoomed in, what is outside the plot must not be named beside it.
  const inside = { condition: { test: "inrange(datum.t, domain('x'))", value: 1 }, value: 0 };
  const x = { field: "t", type: "quantitative" };
  const y = { field: "above", type: "quantitative", scale: null };
  return {
    layers: [
      {
        data: { values: placed },
        mark: { type: "rule", color: textColor, strokeDash: [2, 3], strokeWidth: 1.2, clip: false, y2: "height" },
        encoding: { x, y, opacity: inside },
      },
      {
        data: { values: placed },
        mark: { ...label, align: "left", baseline: "bottom", dx: -2, color: textColor },
        encoding: { x, y, text: { field: "label" }, opacity: inside },
      },
    ],
    room: LINE_HEIGHT * starts.length + 4,
  };
}
