import { visible } from "../base/text.js";
import { isIdentifier, isSize, isTimestamp, sizeUnits, unitOf } from "../tables/units.js";

/** A field's name as an axis title: words, with the unit in brackets unless the labels carry it. */
export function fieldTitle(name: string): string {
  const unit = unitOf(name);
  const words = visible(unit ? name.slice(0, -unit.length - 1) : name)
    .replace(/^p(\d\d)(\d+)$/, "p$1.$2")
    .replaceAll("_", " ");
  return unit && unit !== "ns" && unit !== "bytes" ? `${words} (${unit})` : words;
}

/** What buckets hold, by the name of their lower bounds: `duration_ns` for `low_ns`, `size_bytes` for `low_bytes`, `pages` for `low_pages`. */
export function bucketField(low: string): string {
  if (low === "low") return "value";
  const measure = low.endsWith("_ns") ? "duration_" : low.endsWith("_bytes") ? "size_" : "";
  return low.replace(/(^|_)low_/, `$1${measure}`);
}

/** True for fields that are lengths of time in ns, whose labels are written as ns, µs, ms or s. */
export function isDuration(name: string): boolean {
  return unitOf(name) === "ns" && !isTimestamp(name);
}

// What follows writes vega expressions, which write numbers in the page: `value` is an expression too.

/** As many digits as a double surely has: an axis with them never has two labels that are the same. */
const ALL = 15;

/** Whole numbers whole, of others so many digits. */
const numberExpression = (value: string, digits: number): string =>
  `(${value} % 1 === 0 ? format(${value}, ',d') : format(${value}, ',.${digits}~r'))`;

/** Writes a number of nanoseconds with its unit: that of `size`, which is its own unless told otherwise. */
export function timeExpression(value: string, size = `abs(${value})`, digits = 4): string {
  const write = (divisor: number, unit: string) => `format(${value} / ${divisor}, ',.${digits}~r') + ' ${unit}'`;
  return `${value} === 0 ? '0' : ${size} < 1e3 ? ${write(1, "ns")} : ${size} < 1e6 ? ${write(1e3, "µs")} : ${size} < 1e9 ? ${write(1e6, "ms")} : ${write(1e9, "s")}`;
}

/** Writes a number of bytes with its unit: B, KiB, MiB and so on. */
function sizeExpression(value: string, digits = 4): string {
  return sizeUnits.reduceRight(
    (smaller, { symbol, bytes }) =>
      bytes === 1
        ? `format(${value}, ',.${digits}~r') + ' B'`
        : `abs(${value}) >= ${bytes} ? format(${value} / ${bytes}, ',.${digits}~r') + ' ${symbol}' : ${smaller}`,
    "",
  );
}

/** Writes a value of that field, short. */
export function valueExpression(name: string, value: string, digits?: number): string {
  if (isDuration(name)) return timeExpression(value, undefined, digits);
  if (isSize(name)) return sizeExpression(value, digits);
  return isIdentifier(name) ? `format(${value}, 'd')` : numberExpression(value, digits ?? 6);
}

/** Writes a value of that field with all its digits; what has more than a page can use is marked as rounded. */
export function exactExpression(name: string, value: string): string {
  const exact = `${value} % 1 === 0 || toNumber(format(${value}, '.12~r')) === ${value}`;
  return `${exact} ? (${valueExpression(name, value, ALL)}) : '≈ ' + (${valueExpression(name, value, 4)})`;
}

/** A transform that writes `low` and `high` of a field as one text, `range`. */
export function rangeText(name: string): Record<string, unknown> {
  const [low, high] = ["datum.low", "datum.high"].map((edge) => exactExpression(name, edge));
  return { calculate: `(${low}) + ' to ' + (${high})`, as: "range" };
}

/** Labels of a linear axis of nanoseconds: all in the unit of the largest. @param perValue nanoseconds in 1 on the axis */
export function timeLabels(channel: "x" | "y", perValue = 1): string {
  const largest = `max(abs(domain('${channel}')[0]), abs(domain('${channel}')[1]))`;
  const times = (value: string) => (perValue === 1 ? value : `${value} * ${perValue}`);
  // Ticks are whole nanoseconds, which have a digit more; those in seconds have noise in it.
  return timeExpression(times("datum.value"), times(largest), perValue === 1 ? ALL + 1 : ALL);
}

/** A vega expression for the distance of at most about so many ticks over a span: 1, 2 or 5 times a power of ten. */
export function roundDistance(span: string, most: number): string {
  const power = `pow(10, floor(log(${span} / ${most}) / LN10))`;
  const steps = [1, 2, 5].map((factor) => `${factor} * ${power}`);
  return `(${steps.reduceRight((coarser, step) => `${span} / ${most} <= ${step} ? ${step} : ${coarser}`, `10 * ${power}`)})`;
}

/**
 * Where a linear axis of that field has its ticks: of bytes at powers of two, for 200,000 B is 195.3 KiB; of what names
 * something at whole numbers; of others where vega puts them.
 */
export function linearTicks(name: string, channel: "x" | "y", most: number): Record<string, unknown> {
  if (!isSize(name) && !isIdentifier(name)) return { tickCount: most };
  const [low, high] = [`domain('${channel}')[0]`, `domain('${channel}')[1]`];
  const step = isSize(name)
    ? `pow(2, max(ceil(log((${high} - ${low}) / ${most}) / LN2), 0))`
    : `max(${roundDistance(`(${high} - ${low})`, most)}, 1)`;
  const ticks = `sequence(ceil(${low} / ${step}) * ${step}, ${high} + ${step} * 1e-6, ${step})`;
  return { tickCount: most, values: { expr: `${high} > ${low} ? ${ticks} : null` } };
}

/** Labels of a linear axis of that field. */
export function linearLabels(name: string, channel: "x" | "y"): string {
  // between two whole numbers of that size no number has enough digits
  if (isDuration(name)) return `abs(datum.value) > 1e12 && datum.value % 1 !== 0 ? '' : ${timeLabels(channel)}`;
  return valueExpression(name, "datum.value", ALL);
}

/**
 * Axis of a measured field. A log axis over two decades or more names powers of ten only, and of sizes powers of two:
 * vega alone would name 1, 2, 10 and 20 there; a shorter one 1, 2 and 5 times these: vega would name 600 to 900, and have
 * no room for 1,000. Zoomed further in, it is left to vega which to name.
 */
export function valueAxis(name: string, log: boolean, channel: "x" | "y"): Record<string, unknown> {
  const axis = { title: fieldTitle(name), labelExpr: valueExpression(name, "datum.value", ALL), tickCount: 8 };
  if (!log) return { ...axis, labelExpr: linearLabels(name, channel), ...linearTicks(name, channel, 8) };
  const power = isSize(name) ? "log(datum.value) / LN2" : "log(datum.value) / LN10";
  const span = `domain('${channel}')[1] / domain('${channel}')[0]`;
  const isPower = (of: string) => `abs(${of} - round(${of})) < 1e-6`;
  const isRound = [power, ...(isSize(name) ? [] : [2, 5].map((factor) => `log(datum.value / ${factor}) / LN10`))]
    .map(isPower)
    .join(" || ");
  const unnamed = `datum.label === '' || (${span} > 100 ? !(${isPower(power)}) : ${span} > 5 && !(${isRound}))`;
  const opacity = { condition: { test: unnamed, value: 0 }, value: 1 };
  return { ...axis, labelExpr: `${unnamed} ? '' : ${axis.labelExpr}`, gridOpacity: opacity, tickOpacity: opacity };
}

const broken = { condition: { test: "datum.value % 1 !== 0", value: 0 }, value: 1 };

/** Axis of a number of events: no half ones. vega-lite knows `tickMinStep` and drops it. */
export const countAxis = {
  title: "events",
  labelExpr: "datum.value % 1 === 0 ? format(datum.value, ',d') : ''",
  tickCount: 6,
  tickOpacity: broken,
  gridOpacity: broken,
};

/** Labels of names: of long ones the middle is left out, for paths and numbered names differ at their ends. */
export function nameLabels(most: number): string {
  const [head, tail] = [Math.ceil((most - 1) / 2), Math.floor((most - 1) / 2)];
  return `length(datum.label) > ${most} ? slice(datum.label, 0, ${head}) + '…' + slice(datum.label, -${tail}) : datum.label`;
}

/** The text with its first letter large, as a title begins. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
