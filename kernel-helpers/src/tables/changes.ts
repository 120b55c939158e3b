import type { ColumnTable } from "arquero";
import { ListColumn } from "../streams/event-columns.js";
import { figuresTable } from "../streams/capture.js";
import type { ColumnName, EventTable } from "../streams/table.js";
import { type Column, requireColumn, storedRows } from "./columns.js";

/** What to compare of two tables. */
export interface ChangesOptions<Name extends string = string> {
  /** Column or columns that name a row. */
  by: Name | readonly Name[];
  /** Columns of counters: numbers, or arrays of numbers, that only grow. */
  of: Name | readonly Name[];
}

/** The later table's type, which says in `seconds` how long it took if the tables say when they were read. */
export type Changed<Table> =
  Table extends EventTable<infer Row>
    ? "time_ns" extends keyof Row
      ? EventTable<Row & { seconds: number }>
      : Table
    : Table;

/**
 * How much counters grew from one table to a later one, such as two tables of a map's `poll`.
 *
 * The later table's rows, with the growth in the columns of `of`. A row that was not there before, or whose
 * counters are smaller than before (it went, and came back), has grown from zero. Of polled tables there is
 * also a column `seconds`: the time from one to the other, NaN if the earlier had no row to say when it was read.
 *
 * @throws ArgumentError if a column is missing.
 * @example
 * stats.maps.stats_map.poll({ everyMs: 1000 }).pipe(
 *   pairwise(),
 *   map(([before, after]) => changes(before, after, { by: ["pid", "fd"], of: ["writes", "histogram"] })),
 * )
 */
export function changes<Table extends ColumnTable>(
  before: Table,
  after: Table,
  options: ChangesOptions<ColumnName<Table>>,
): Changed<Table> {
  const [by, of] = [namesOf(options.by), namesOf(options.of)];
  const [old, now] = [storedRows(before), storedRows(after)];
  const rowBefore = new Map<string, number>();
  keysOf(old, by).forEach((key, row) => rowBefore.set(key, row));
  const match = keysOf(now, by).map((key) => rowBefore.get(key));

  const pairs = of.map(
    (name) => [requireColumn(old, name, "of of changes"), requireColumn(now, name, "of of changes")] as const,
  );
  // one counter that went back says that all of the row began again
  const from = match.map((earlier, row) =>
    earlier !== undefined &&
    pairs.every(([past, current]) => numbersAt(past, earlier).every((value, i) => value <= numbersAt(current, row)[i]!))
      ? earlier
      : undefined,
  );

  const columns: Record<string, unknown> = { ...(now.data() as Record<string, unknown>) };
  of.forEach((name, index) => {
    const [past, current] = pairs[index]!;
    const grown = from.map((earlier, row) =>
      numbersAt(current, row).map((value, i) => value - (earlier === undefined ? 0 : numbersAt(past, earlier)[i]!)),
    );
    const flat = Float64Array.from(grown.flat());
    columns[name] = current instanceof ListColumn ? new ListColumn(flat, current.size) : flat;
  });
  if ("time_ns" in columns)
    columns["seconds"] = Float64Array.from(
      now.array("time_ns") as ArrayLike<number>,
      (time) => (time - ((old.totalRows() ? old.get("time_ns", 0) : NaN) as number)) / 1e9,
    );
  return figuresTable(columns, [after]) as never;
}

const namesOf = (names: string | readonly string[]) => (typeof names === "string" ? [names] : [...names]);

function keysOf(table: ColumnTable, by: readonly string[]): string[] {
  const columns = by.map((name) => requireColumn(table, name, "by of changes"));
  return Array.from({ length: table.totalRows() }, (_, row) =>
    JSON.stringify(columns.map((column) => String(column.at(row)))),
  );
}

function numbersAt(column: Column, row: number): number[] {
  const value = column.at(row);
  return typeof value === "object" && value !== null ? Array.from(value as ArrayLike<number>, Number) : [Number(value)];
}
