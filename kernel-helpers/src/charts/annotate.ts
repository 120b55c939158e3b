import { ArgumentError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { alarmColor, textColor } from "./theme.js";

// What a reader is to compare the data with: lines across a chart, and moments marked on its axis of time.

const label = { type: "text", fontSize: 11, clip: true } as const;

/** Dashed lines at values of y, each named at its right end. @throws ArgumentError if a value is no number */
export function ruleLayers(rules: readonly { value: number; label: string }[]): Record<string, unknown>[] {
  if (rules.length === 0) return [];
  for (const { value } of rules)
    if (!Number.isFinite(value))
      throw new ArgumentError(`expected a number for the value of a rule, got ${String(value)}.`);
  const data = { values: rules.map((rule) => ({ value: rule.value, label: visible(rule.label) })) };
  const y = { field: "value", type: "quantitative" };
  return [
    {
      data,
      mark: { type: "rule", color: alarmColor, strokeDash: [6, 4], strokeWidth: 1.5, clip: true },
      encoding: { y },
    },
    {
      data,
      mark: { ...label, x: "width", dx: -4, dy: -6, align: "right", baseline: "bottom", color: alarmColor },
      encoding: { y, text: { field: "label" } },
    },
  ];
}

/** Dotted lines at moments, in seconds, each named at its top. @throws ArgumentError if a moment is no number */
export function markLayers(marks: readonly { t: number; label: string }[]): Record<string, unknown>[] {
  if (marks.length === 0) return [];
  for (const { t } of marks)
    if (!Number.isFinite(t)) throw new ArgumentError("expected a number for the moment of a mark.");
  const data = { values: [...marks] };
  const x = { field: "t", type: "quantitative" };
  const color = textColor;
  return [
    { data, mark: { type: "rule", color, strokeDash: [2, 3], strokeWidth: 1.2, clip: true }, encoding: { x } },
    // Upright beside its line, so that marks which follow closely can be told apart.
    {
      data,
      mark: { ...label, y: 4, dx: 0, dy: -5, angle: 90, align: "left", baseline: "bottom", color },
      encoding: { x, text: { field: "label" } },
    },
  ];
}
