import type { ColumnTable } from "arquero";
import { type Column, isTextColumn, requireColumn, visibleRows } from "./columns.js";
import { visible } from "../base/text.js";

/** The visible rows of a table, each given the number of its group. */
export interface Groups {
  /** The columns grouped by; empty when all rows are one group. */
  readonly by: readonly string[];
  /** Number of groups. */
  readonly size: number;
  /** Group of each visible row, in stored order; undefined when all rows are group 0. */
  readonly ids: Uint32Array | undefined;
  /** `keys[column][group]`: the value that the group has in that column. */
  readonly keys: readonly unknown[][];
}

/**
 * Groups the visible rows by the values of columns, or as the table's own `groupby` says.
 * Costs four bytes a row and nothing per row beside: dictionary codes are used as they are.
 *
 * @throws ArgumentError if a column is missing.
 */
export function groupRows(table: ColumnTable, by?: string | readonly string[], option = "by"): Groups {
  if (by === undefined) return table.isGrouped() ? groupsOfTable(table) : { by: [], size: 1, ids: undefined, keys: [] };
  const names = typeof by === "string" ? [by] : [...by];
  const rows = visibleRows(table);
  let groups: Groups = { by: [], size: 1, ids: undefined, keys: [] };
  for (const name of names) groups = combine(groups, groupByColumn(name, requireColumn(table, name, option), rows));
  return groups;
}

function groupByColumn(name: string, column: Column, rows: Uint32Array | undefined): Groups {
  const ids = new Uint32Array(rows ? rows.length : column.length);
  const keys: unknown[] = [];
  const known = new Map<unknown, number>();
  const idOf = (key: unknown): number => {
    let id = known.get(key);
    if (id === undefined) {
      id = keys.push(key) - 1;
      known.set(key, id);
    }
    return id;
  };

  if (isTextColumn(column)) {
    const idOfCode = new Int32Array(column.dictionary.length).fill(-1); // joined dictionaries may repeat a string
    for (let i = 0; i < ids.length; i++) {
      const code = column.codes[rows ? rows[i]! : i]!;
      let id = idOfCode[code] ?? -1;
      if (id < 0) idOfCode[code] = id = idOf(column.dictionary[code] ?? null);
      ids[i] = id;
    }
  } else {
    const typed = ArrayBuffer.isView(column) ? (column as unknown as ArrayLike<unknown>) : undefined;
    let last: unknown = known; // a value that no column holds
    let id = 0;
    for (let i = 0; i < ids.length; i++) {
      const row = rows ? rows[i]! : i;
      const key = typed ? typed[row] : column.at(row);
      if (key !== last) {
        id = idOf(key);
        last = key;
      }
      ids[i] = id;
    }
  }
  return { by: [name], size: keys.length, ids, keys: [keys] };
}

function combine(a: Groups, b: Groups): Groups {
  if (!a.ids) return b;
  if (!b.ids) return a;
  const known = new Map<number, number>();
  const pairs: number[] = [];
  const ids = new Uint32Array(a.ids.length);
  for (let i = 0; i < ids.length; i++) {
    const pair = a.ids[i]! * b.size + b.ids[i]!;
    let id = known.get(pair);
    if (id === undefined) {
      id = pairs.push(pair) - 1;
      known.set(pair, id);
    }
    ids[i] = id;
  }
  const keys = [
    ...a.keys.map((column) => pairs.map((pair) => column[Math.floor(pair / b.size)])),
    ...b.keys.map((column) => pairs.map((pair) => column[pair % b.size])),
  ];
  return { by: [...a.by, ...b.by], size: pairs.length, ids, keys };
}

/** What arquero's groupby made, for columns and for expressions alike. */
function groupsOfTable(table: ColumnTable): Groups {
  const { names, get, rows: examples, keys: groupOf, size } = table.groups();
  const rows = visibleRows(table);
  const ids = rows ? new Uint32Array(rows.length) : Uint32Array.from(groupOf);
  if (rows) for (let i = 0; i < ids.length; i++) ids[i] = groupOf[rows[i]!]!;
  const data = table.data();
  const keys = get.map((value) => Array.from({ length: size }, (_, group) => value(examples[group]!, data) as unknown));
  return { by: names, size, ids, keys };
}

/** A group's name for people: its key values, with control characters made visible. */
export function groupLabel(groups: Groups, group: number): string {
  return groups.keys.map((column) => visible(String(column[group]))).join(" · ");
}

/** Number of visible rows in each group. */
export function groupCounts(groups: Groups, rows: number, weights?: Float64Array): Float64Array {
  const counts = new Float64Array(groups.size);
  if (groups.ids) for (let i = 0; i < groups.ids.length; i++) counts[groups.ids[i]!]! += weights ? weights[i]! : 1;
  else counts[0] = weights ? weights.reduce((sum, weight) => sum + weight, 0) : rows;
  return counts;
}

/** Values laid out group after group: group g is `values[starts[g] … starts[g + 1])`. */
export interface GroupedValues {
  readonly values: Float64Array;
  readonly starts: Float64Array;
}

/** Gathers the finite values of each group, in the order in which they stand: one typed copy of the column. */
export function gatherGroups(values: Float64Array, { ids, size }: Groups): GroupedValues {
  const starts = new Float64Array(size + 1);
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) starts[(ids ? ids[i]! : 0) + 1]!++;
  for (let group = 0; group < size; group++) starts[group + 1]! += starts[group]!;

  const gathered = new Float64Array(starts[size]!);
  const next = starts.slice();
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) gathered[next[ids ? ids[i]! : 0]!++] = values[i]!;
  }
  return { values: gathered, starts };
}

/** The same, ascending in each group. */
export function sortWithinGroups(values: Float64Array, groups: Groups): GroupedValues {
  const sorted = gatherGroups(values, groups);
  for (let group = 0; group < groups.size; group++) groupValues(sorted, group).sort();
  return sorted;
}

/** The values of one group, without a copy. */
export function groupValues({ values, starts }: GroupedValues, group: number): Float64Array {
  return values.subarray(starts[group]!, starts[group + 1]!);
}
