import { ArgumentError } from "../base/errors.js";

/** The name of a column that a chart cannot do without. */
export function columnName(value: unknown, name: string, chart: string): string {
  if (typeof value === "string") return value;
  throw new ArgumentError(
    `${chart} needs the name of a column for ${name}, for example { ${name}: "duration_ns" }, got ${String(value)}.`,
  );
}
