import { inspect } from "node:util";
import type { ColumnTable } from "arquero";
import { type Column, isNumeric } from "./columns.js";
import { supportTest } from "./support.js";
import {
  counted,
  formatNumber,
  heading,
  isIdentifier,
  isSize,
  isTimestamp,
  significant,
  sizeUnits,
  timeUnits,
  unitOf,
} from "./units.js";

/** A column's shown values as text. */
export interface CellColumn {
  readonly name: string;
  /** The name without the unit. */
  readonly heading: string;
  /** The unit the values are written in; undefined where there is none, or each cell has its own. */
  readonly unit: string | undefined;
  readonly align: "left" | "right";
  readonly cells: readonly string[];
  /** The whole digits of what a cell shows rounded; undefined where it shows all there is. */
  readonly titles: readonly (string | undefined)[];
}

/** The head of a table as text: what a page or a terminal shows of it. */
export interface CellTable {
  readonly columns: readonly CellColumn[];
  /** `12,345 rows × 7 columns`, and what of it is shown. */
  readonly caption: string;
}

const MAX_COLUMNS = 60;
const MAX_TEXT = 160;

/** Formats the first `limit` rows, in the table's own order. */
export function headOf(table: ColumnTable, limit: number): CellTable {
  const rows: number[] = [];
  table.scan((row) => void rows.push(row as number), true, limit);
  const names = table.columnNames();
  const columns = names
    .slice(0, MAX_COLUMNS)
    .map((name) => unsupportedLeftOut(formatColumn(name, table.column(name) as Column, rows), rows, table));

  const total = table.numRows();
  const caption = [
    `${counted(total, "row")} × ${counted(names.length, "column")}`,
    total < table.totalRows() ? `filtered from ${formatNumber(table.totalRows())}` : "",
    table.isGrouped() ? `grouped by ${table.groups().names.join(", ")}` : "",
    rows.length < total ? `first ${formatNumber(rows.length)} shown` : "",
    columns.length < names.length ? `first ${columns.length} columns shown` : "",
  ];
  return { columns, caption: caption.filter(Boolean).join(", ") };
}

/** What a number looks like, and all of its digits where it does not show them. */
interface Written {
  text: string;
  title?: string;
}

function formatColumn(name: string, column: Column, rows: readonly number[]): CellColumn {
  const values = rows.map((row) => column.at(row));
  const numbers = (unit: string | undefined, write: (value: number | bigint) => Written): CellColumn => {
    const written = values.map((value) =>
      typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value))
        ? write(value)
        : { text: typeof value === "number" ? String(value) : formatText(value) },
    );
    return {
      name,
      heading: heading(name),
      unit,
      align: "right",
      cells: written.map(({ text }) => text),
      titles: written.map(({ title }) => title),
    };
  };

  if (!isNumeric(column))
    return { name, heading: name, unit: undefined, align: "left", cells: values.map(formatText), titles: [] };
  if (isIdentifier(name)) return { ...numbers(undefined, (value) => ({ text: String(value) })), heading: name };
  if (name === "share")
    return numbers("%", (value) => ({ text: significant(100 * Number(value)), title: `${100 * Number(value)} %` }));
  if (isTimestamp(name))
    return numbers("s since boot", (value) => ({
      text: (Number(value) / 1e9).toFixed(6),
      title: `${whole(value)} ns`,
    }));
  if (unitOf(name) === "ns")
    return scaled(
      timeUnits.map(({ symbol, ns }) => ({ symbol, size: ns })),
      padded,
    );
  if (isSize(name))
    return scaled(
      sizeUnits.map(({ symbol, bytes }) => ({ symbol, size: bytes })),
      significant,
    );
  return numbers(unitOf(name), plainNumber);

  /** In one unit for the column if three digits are enough in it for all values, else in each value's own. */
  function scaled(units: readonly Scale[], format: (value: number) => string): CellColumn {
    const base = units.at(-1)!;
    const common = commonUnit(values, units);
    return numbers(common?.symbol, (value) => {
      const unit = common ?? unitFor(Number(value), units);
      const digits = unit === base ? plainNumber(value).text : format(Number(value) / unit.size);
      const text = Number(value) === 0 ? "0" : common ? digits : `${digits} ${unit.symbol}`;
      return { text, title: `${whole(value)} ${base.symbol}` };
    });
  }
}

interface Scale {
  readonly symbol: string;
  readonly size: number;
}

/** The unit of the largest value, unless a value is too small to be read in it. */
function commonUnit(values: readonly unknown[], units: readonly Scale[]): Scale | undefined {
  const sizes = values.map((value) => Math.abs(Number(value))).filter((size) => size > 0 && size < Infinity);
  const unit = unitFor(
    sizes.reduce((a, b) => Math.max(a, b), 0),
    units,
  );
  return sizes.every((size) => size >= unit.size / 100) ? unit : undefined;
}

/** The largest unit of which a value has at least one, as it will be written. */
function unitFor(value: number, units: readonly Scale[]): Scale {
  const rounded = Number(Math.abs(value).toPrecision(3)); // 999.9 ns is 1 µs
  return units.find(({ size }) => rounded >= size) ?? units.at(-1)!;
}

/** Three digits, zeros at the end included: a measured 3.00 is more than 3. */
function padded(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const decimals = [0.1, 1, 10, 100].findIndex((bound) => Math.abs(rounded) < bound);
  return decimals < 1 ? significant(value) : rounded.toFixed(4 - decimals);
}

/** Whole numbers whole; of others three digits. */
function plainNumber(value: number | bigint): Written {
  if (typeof value === "bigint" || Number.isInteger(value)) return { text: whole(value) };
  const text = significant(value);
  return Number(text.replaceAll(",", "")) === value ? { text } : { text, title: whole(value) };
}

const wholeFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 20 });

/** All digits; of what no clock or counter reaches the power of ten. */
const whole = (value: number | bigint): string =>
  typeof value === "number" && Math.abs(value) >= 1e21 ? String(value) : wholeFormat.format(value);

/** A dash for each percentile that a row's number of events cannot tell from the smallest or the largest value. */
function unsupportedLeftOut(column: CellColumn, rows: readonly number[], table: ColumnTable): CellColumn {
  const test = column.align === "right" ? supportTest(table, column.name) : undefined;
  if (!test) return column;
  const few = rows.map(test);
  return {
    ...column,
    cells: column.cells.map((cell, i) => (few[i] ? "–" : cell)),
    titles: column.cells.map((_, i) =>
      few[i] ? `too few events for ${few[i].percentile}: ${few[i].events}` : column.titles[i],
    ),
  };
}

function formatText(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text =
    typeof value === "string"
      ? value
      : value instanceof Date
        ? dateText(value)
        : inspect(plainArray(value), inspection);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

const inspection = { breakLength: Infinity, compact: true, maxArrayLength: 8, depth: 1 };

/** A row of a column of arrays is a typed array, whose kind is of no interest in a cell. */
const plainArray = (value: unknown) =>
  ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as unknown as ArrayLike<unknown>)
    : value;

const dateText = (date: Date) => (Number.isNaN(date.getTime()) ? "invalid date" : date.toISOString());
