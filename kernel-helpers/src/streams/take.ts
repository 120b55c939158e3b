/** A column of which rows can be taken, as a column of the same kind. */
export interface Takeable {
  readonly length: number;
  at(row: number): unknown;
  take(rows: Uint32Array): Takeable;
}

/** What arquero takes as a column. */
export interface AnyColumn {
  readonly length: number;
  at(row: number): unknown;
}

/** The column's values in these rows, as a column of the same kind. */
export function takeRows<Column extends AnyColumn>(column: Column, rows: Uint32Array): Column {
  if (ArrayBuffer.isView(column)) return takeNumbers(column as unknown as Uint32Array, rows) as unknown as Column;
  if ("take" in column) return (column as unknown as Takeable).take(rows) as unknown as Column;
  return Array.from(rows, (row) => column.at(row)) as unknown as Column;
}

export function takeNumbers<Values extends NodeJS.TypedArray>(values: Values, rows: Uint32Array): Values {
  const taken = new (values.constructor as Uint32ArrayConstructor)(rows.length);
  const source = values as unknown as Uint32Array; // or of another kind, of which both are
  for (let i = 0; i < rows.length; i++) taken[i] = source[rows[i]!]!;
  return taken as unknown as Values;
}

/** The places of the elements of rows that have `size` each. */
export function elementsOf(rows: Uint32Array, size: number): Uint32Array {
  const places = new Uint32Array(rows.length * size);
  for (let i = 0; i < places.length; i++) places[i] = rows[Math.floor(i / size)]! * size + (i % size);
  return places;
}
