import { inspect } from "node:util";
import type { ColumnTable } from "arquero";
import { type Column, isNumeric } from "./columns.js";
import {
  counted,
  formatNumber,
  isIdentifier,
  isTimestamp,
  nanosecond,
  type TimeUnit,
  timeUnits,
  unitOf,
} from "./units.js";

/** A column's shown values as text, all in one unit. */
export interface CellColumn {
  readonly name: string;
  /** The unit the values are written in, or undefined. */
  readonly unit: string | undefined;
  readonly align: "left" | "right";
  readonly cells: readonly string[];
}

/** The head of a table as text: what a page or a terminal shows of it. */
export interface CellTable {
  readonly columns: readonly CellColumn[];
  /** `12,345 rows × 7 columns`, and what of it is shown. */
  readonly caption: string;
}

const maxColumns = 60;
const maxText = 160;

/** Formats the first `limit` rows, in the table's own order. */
export function headOf(table: ColumnTable, limit: number): CellTable {
  const rows: number[] = [];
  table.scan((row) => void rows.push(row as number), true, limit);
  const names = table.columnNames();
  const columns = names.slice(0, maxColumns).map((name) => formatColumn(name, table.column(name) as Column, rows));

  const total = table.numRows();
  const caption = [
    `${counted(total, "row")} × ${counted(names.length, "column")}`,
    table.isFiltered() ? `filtered from ${formatNumber(table.totalRows())}` : "",
    table.isGrouped() ? `grouped by ${table.groups().names.join(", ")}` : "",
    rows.length < total ? `first ${formatNumber(rows.length)} shown` : "",
    columns.length < names.length ? `first ${columns.length} columns shown` : "",
  ];
  return { columns, caption: caption.filter(Boolean).join(", ") };
}

function formatColumn(name: string, column: Column, rows: readonly number[]): CellColumn {
  const values = rows.map((row) => column.at(row));
  if (!isNumeric(column)) return { name, unit: undefined, align: "left", cells: values.map(formatText) };

  if (isIdentifier(name))
    return { name, unit: undefined, align: "right", cells: values.map((value) => formatCell(value, String)) };
  if (name === "share")
    return { name, unit: "%", align: "right", cells: values.map((value) => formatCell(value, percent)) };
  if (unitOf(name) !== "ns")
    return { name, unit: unitOf(name), align: "right", cells: values.map((value) => formatCell(value, formatNumber)) };

  if (isTimestamp(name)) {
    const seconds = (value: number | bigint) => (Number(value) / 1e9).toFixed(6);
    return { name, unit: "s since boot", align: "right", cells: values.map((value) => formatCell(value, seconds)) };
  }
  const unit = columnUnit(values);
  const decimals = unit.ns === 1 ? 0 : 3;
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return {
    name,
    unit: unit.symbol,
    align: "right",
    cells: values.map((value) => formatCell(value, (ns) => format.format(Number(ns) / unit.ns))),
  };
}

/**
 * One unit for a column of times, so that they compare at a glance: the largest in which
 * the middle value is at least 1 and the smallest does not vanish behind three decimals.
 */
function columnUnit(values: readonly unknown[]): TimeUnit {
  const sizes = values
    .map((value) => Math.abs(Number(value)))
    .filter((size) => size > 0 && size < Infinity)
    .sort((a, b) => a - b);
  if (sizes.length === 0) return nanosecond;
  const middle = sizes[sizes.length >> 1]!;
  return timeUnits.find((unit) => middle >= unit.ns && sizes[0]! * 1000 >= unit.ns) ?? nanosecond;
}

function formatCell(value: unknown, format: (value: number | bigint) => string): string {
  if (typeof value === "bigint") return format(value);
  if (typeof value === "number") return Number.isFinite(value) ? format(value) : String(value);
  return formatText(value);
}

function formatText(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text =
    typeof value === "string"
      ? value
      : value instanceof Date
        ? dateText(value)
        : inspect(plainArray(value), inspection);
  return text.length > maxText ? `${text.slice(0, maxText)}…` : text;
}

const inspection = { breakLength: Infinity, compact: true, maxArrayLength: 8, depth: 1 };

/** A row of a column of arrays is a typed array, whose kind is of no interest in a cell. */
const plainArray = (value: unknown) =>
  ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as unknown as ArrayLike<unknown>)
    : value;

const percent = (value: number | bigint) => (100 * Number(value)).toFixed(3);

const dateText = (date: Date) => (Number.isNaN(date.getTime()) ? "invalid date" : date.toISOString());
