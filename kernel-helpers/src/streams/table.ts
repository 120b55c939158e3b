import type { ColumnTable } from "arquero";

/** A property that no value has: it keeps a table's columns in its type, and is no name that completion could offer. */
declare const row: unique symbol;

/**
 * A table that knows at compile time which columns it has. It is arquero's own table;
 * only the types differ: verbs that add columns add them to the type, and verbs whose
 * result cannot be known return a plain table.
 *
 * @typeParam Row the columns and the types of their values
 */
export type EventTable<Row> = TypedVerbs<Row> & ColumnTable;

/** Exported so that declarations can name it: `const [a, b] = await Promise.all([collect(…), collect(…)])` in a cell. */
export interface TypedVerbs<Row> {
  /** Never set; keeps the columns' types. */
  readonly [row]?: Row;
  derive<Values extends Record<string, unknown>>(
    values: Values,
    options?: object,
  ): EventTable<Row & { [Name in keyof Values]: unknown }>;
  rollup<Values extends Record<string, unknown>>(values: Values): EventTable<Row & { [Name in keyof Values]: unknown }>;
  objects(options?: object): Row[];
  count(options?: object): EventTable<Row & { count: number }>;
  select(...columns: unknown[]): ColumnTable;
  rename(...columns: unknown[]): ColumnTable;
  fold(...values: unknown[]): ColumnTable;
  pivot(...values: unknown[]): ColumnTable;
  spread(...values: unknown[]): ColumnTable;
  join(...values: unknown[]): ColumnTable;
  join_left(...values: unknown[]): ColumnTable;
  join_right(...values: unknown[]): ColumnTable;
  join_full(...values: unknown[]): ColumnTable;
  cross(...values: unknown[]): ColumnTable;
}

/** The names of a table's columns; any string where they are not known. */
export type ColumnName<Table> = Table extends { readonly [row]?: infer Row }
  ? unknown extends Row
    ? string
    : keyof NonNullable<Row> & string
  : string;
