import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { reifyRows } from "../streams/rows.js";

/** What every arquero column can do: typed arrays, arrays, Arrow columns and dictionary columns alike. */
export interface Column {
  readonly length: number;
  at(row: number): unknown;
}

/** A column of text that stores each distinct string once, and a code a row. */
export interface TextColumn extends Column {
  readonly codes: ArrayLike<number>;
  readonly dictionary: readonly string[];
}

/** True for a dictionary-coded column, by its shape. */
export function isTextColumn(column: unknown): column is TextColumn {
  const c = column as Partial<TextColumn> | null;
  return typeof c === "object" && c !== null && Array.isArray(c.dictionary) && typeof c.codes === "object";
}

/** Typed arrays of numbers, BigInts included. */
type NumericArray = NodeJS.TypedArray;

function isNumericArray(column: unknown): column is NumericArray {
  return ArrayBuffer.isView(column) && !(column instanceof DataView);
}

/** True if the column holds numbers: a typed array, or a column whose first value is a number. */
export function isNumeric(column: Column): boolean {
  if (isNumericArray(column)) return true;
  if (isTextColumn(column)) return false;
  for (let row = 0; row < Math.min(column.length, 100); row++) {
    const value = column.at(row);
    if (value !== null && value !== undefined) return typeof value === "number" || typeof value === "bigint";
  }
  return true; // nothing but nulls, or no rows at all: no reason to refuse it
}

/**
 * The column of that name.
 *
 * @throws ArgumentError that names the columns there are.
 */
export function requireColumn(table: ColumnTable, name: string, option: string): Column {
  const column = table.columnIndex(name) < 0 ? undefined : (table.column(name) as Column | undefined);
  if (column) return column;
  const names = table.columnNames();
  throw new ArgumentError(
    `There is no column "${name}" for ${option}; the table has ${names.length ? names.join(", ") : "no columns"}.`,
  );
}

/** The positions of the rows that pass the table's filter, in stored order; undefined stands for all of them. */
export function visibleRows(table: ColumnTable): Uint32Array | undefined {
  return table.isFiltered() ? table.indices(false) : undefined;
}

/** The visible rows, in order, as the stored rows of a table; what was lost from them stays known. */
export function storedRows(table: ColumnTable): ColumnTable {
  return reifyRows(table);
}

/**
 * The visible rows' numbers, in stored order. What is not a number becomes NaN.
 * The array may be the column's own memory: read it, never write to it.
 *
 * @throws ArgumentError if the column is missing or holds no numbers.
 */
export function numbersOf(table: ColumnTable, name: string, option: string): Float64Array {
  const column = requireColumn(table, name, option);
  if (!isNumeric(column)) {
    const numeric = table.columnNames((other) => isNumeric(table.column(other) as Column));
    throw new ArgumentError(
      `${option} needs numbers, and column "${name}" holds none; columns with numbers: ${numeric.join(", ") || "none"}.`,
    );
  }
  const rows = visibleRows(table);
  if (!rows && column instanceof Float64Array) return column;

  const out = new Float64Array(rows ? rows.length : column.length);
  if (isNumericArray(column)) {
    const source = column as ArrayLike<number | bigint>;
    for (let i = 0; i < out.length; i++) out[i] = Number(source[rows ? rows[i]! : i]);
  } else {
    for (let i = 0; i < out.length; i++) {
      const value = column.at(rows ? rows[i]! : i);
      out[i] = typeof value === "number" || typeof value === "bigint" ? Number(value) : NaN;
    }
  }
  return out;
}

/** Smallest and largest finite value, and how many there are; min and max are NaN when there is none. */
export function extent(values: Float64Array): { min: number; max: number; count: number } {
  let min = Infinity;
  let max = -Infinity;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    count++;
  }
  return count ? { min, max, count } : { min: NaN, max: NaN, count };
}
