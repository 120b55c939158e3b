// The kernel tells stacks apart by their addresses. Those that differ by addresses within the same functions read the
// same, and are one group to whoever reads them.

/** A column, however it is stored. */
export type AnyColumn = Iterable<unknown> & { readonly length: number; at(row: number): unknown };

/** Rows whose keys read the same, in the order in which they first appear; each row is in one of the lists. */
export function rowsAlike(keys: readonly AnyColumn[], rows: number): number[][] {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < rows; row++) {
    const key = JSON.stringify(keys.map((column) => [typeof column.at(row), String(column.at(row))]));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

/** Of each group its first row's value. */
export function firstOfEach(values: AnyColumn, groups: readonly number[][] | undefined): AnyColumn {
  return groups ? groups.map(([row]) => values.at(row!)) : values;
}

/** Numbers of each group added up; histograms slot by slot. */
export function addedUp(values: AnyColumn, groups: readonly number[][] | undefined): AnyColumn {
  return groups ? groups.map((rows) => rows.map((row) => values.at(row)).reduce(sum)) : values;
}

function sum(a: unknown, b: unknown): unknown {
  if (typeof a === "number" || typeof a === "bigint") return Number(a) + Number(b);
  return Float64Array.from(a as ArrayLike<number>, (value, slot) => value + (b as ArrayLike<number>)[slot]!);
}

/** The smallest or largest number of each group, of the rows that have one; 0 where none has. */
export function extremes(
  which: "min" | "max",
  values: AnyColumn,
  valid: AnyColumn,
  groups: readonly number[][] | undefined,
): AnyColumn {
  if (!groups) return values;
  return groups.map((rows) => {
    const numbers = rows.filter((row) => Number(valid.at(row)) > 0).map((row) => Number(values.at(row)));
    return numbers.length > 0 ? Math[which](...numbers) : 0;
  });
}
