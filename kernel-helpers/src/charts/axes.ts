import { isTimestamp, unitOf } from "../tables/units.js";

/** A field's name as an axis title: words, with the unit in brackets unless the labels carry it. */
export function fieldTitle(name: string): string {
  const unit = unitOf(name);
  const words = (unit ? name.slice(0, -unit.length - 1) : name)
    .replace(/^p(\d\d)(\d+)$/, "p$1.$2")
    .replaceAll("_", " ");
  return unit && unit !== "ns" ? `${words} (${unit})` : words;
}

/** True for fields that are lengths of time in ns, whose labels are written as ns, µs, ms or s. */
export function isDuration(name: string): boolean {
  return unitOf(name) === "ns" && !isTimestamp(name);
}

/** A vega expression that writes a number of nanoseconds with its unit: that of `size`, which is its own unless told otherwise. */
export function timeExpression(value: string, size = `abs(${value})`, digits = 4): string {
  const write = (divisor: number, unit: string) => `format(${value} / ${divisor}, ',.${digits}~r') + ' ${unit}'`;
  return `${value} === 0 ? '0' : ${size} < 1e3 ? ${write(1, "ns")} : ${size} < 1e6 ? ${write(1e3, "µs")} : ${size} < 1e9 ? ${write(1e6, "ms")} : ${write(1e9, "s")}`;
}

/** A vega expression that writes a value of that field. */
export function valueExpression(name: string, value: string): string {
  return isDuration(name) ? timeExpression(value) : `format(${value}, ',.6~r')`;
}

/** A vega expression for the labels of a linear axis of nanoseconds: all in the unit of the largest. @param perValue nanoseconds in 1 on the axis */
export function timeLabels(channel: "x" | "y", perValue = 1): string {
  const largest = `max(abs(domain('${channel}')[0]), abs(domain('${channel}')[1]))`;
  const times = (value: string) => (perValue === 1 ? value : `${value} * ${perValue}`);
  return timeExpression(times("datum.value"), times(largest), 6);
}

/** A vega expression for the labels of a linear axis of that field. */
export function linearLabels(name: string, channel: "x" | "y"): string {
  return isDuration(name) ? timeLabels(channel) : valueExpression(name, "datum.value");
}

/**
 * Axis of a measured field. A log axis over two decades or more names powers of ten only: vega alone
 * would name 1, 2, 10 and 20 there. Zoomed further in, it is left to vega which to name.
 */
export function valueAxis(name: string, log: boolean, channel: "x" | "y"): Record<string, unknown> {
  const axis = { title: fieldTitle(name), labelExpr: valueExpression(name, "datum.value"), tickCount: 8 };
  if (!log) return { ...axis, labelExpr: linearLabels(name, channel) };
  const power = "log(datum.value) / LN10";
  const wide = `domain('${channel}')[1] / domain('${channel}')[0] > 100`;
  const unnamed = `datum.label === '' || (${wide} && abs(${power} - round(${power})) > 1e-6)`;
  const opacity = { condition: { test: unnamed, value: 0 }, value: 1 };
  return { ...axis, labelExpr: `${unnamed} ? '' : ${axis.labelExpr}`, gridOpacity: opacity, tickOpacity: opacity };
}

/** The text with its first letter large, as a title begins. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
