import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { figuresTable } from "../streams/capture.js";
import { type Column, isNumeric, requireColumn, storedRows } from "./columns.js";
import { unitOf } from "./units.js";

/** What of two summaries to compare. */
export interface CompareOptions {
  /** Column or columns that name a row; default none: each table is one row. */
  by?: string | readonly string[];
  /** Columns of numbers to compare; default all that both tables have. */
  of?: string | readonly string[];
}

/**
 * Two summaries side by side: for each column of numbers, such as `p99_ns`, what it was (`p99_before_ns`), what it is
 * (`p99_after_ns`), and how many times as much that is (`p99_ratio`: 2 is twice as much, 0.5 half).
 *
 * The rows of `after`, in its order, then those that only `before` has; what is missing on one side is null.
 *
 * @throws ArgumentError if a column is missing or two rows have the same name
 * @example
 * compare(latency.summary(monday, { by: "comm" }), latency.summary(tuesday, { by: "comm" }), { by: "comm", of: ["count", "p99_ns"] })
 */
export function compare(before: ColumnTable, after: ColumnTable, options: CompareOptions = {}): ColumnTable {
  const by = namesOf(options.by ?? []);
  const [old, now] = [storedRows(before), storedRows(after)];
  const of =
    options.of === undefined
      ? now
          .columnNames()
          .filter(
            (name) =>
              !by.includes(name) &&
              [old, now].every((table) => table.columnIndex(name) >= 0 && isNumeric(table.column(name) as Column)),
          )
      : namesOf(options.of);
  const [oldRows, newRows] = [rowsByKey(old, by), rowsByKey(now, by)];
  const keys = [...new Set([...newRows.keys(), ...oldRows.keys()])];

  const columns: Record<string, unknown[]> = {};
  for (const name of by) {
    const [was, is] = [old.column(name) as Column, now.column(name) as Column];
    columns[name] = keys.map((key) => (newRows.has(key) ? is.at(newRows.get(key)!) : was.at(oldRows.get(key)!)));
  }
  for (const name of of) {
    const [was, is] = [requireColumn(old, name, "of of compare"), requireColumn(now, name, "of of compare")];
    const numbers = (column: Column, rows: Map<string, number>) =>
      keys.map((key) => (rows.has(key) ? Number(column.at(rows.get(key)!)) : null));
    const [past, present] = [numbers(was, oldRows), numbers(is, newRows)];
    const unit = unitOf(name);
    const [stem, suffix] = unit ? [name.slice(0, -unit.length - 1), `_${unit}`] : [name, ""];
    columns[`${stem}_before${suffix}`] = past;
    columns[`${stem}_after${suffix}`] = present;
    columns[`${stem}_ratio`] = past.map((value, i) => (value && present[i] !== null ? present[i]! / value : null));
  }
  return figuresTable(columns, [before, after], "before and after");
}

const namesOf = (names: string | readonly string[]) => (typeof names === "string" ? [names] : [...names]);

function rowsByKey(table: ColumnTable, by: readonly string[]): Map<string, number> {
  const columns = by.map((name) => requireColumn(table, name, "by of compare"));
  const rows = new Map<string, number>();
  for (let row = 0; row < table.totalRows(); row++) {
    const names = columns.map((column) => String(column.at(row)));
    const key = JSON.stringify(names);
    if (rows.has(key))
      throw new ArgumentError(
        `compare got two rows ${by.length ? `of ${names.join(", ")}` : "in one table"}: name in by all the columns that tell rows apart.`,
      );
    rows.set(key, row);
  }
  return rows;
}
