/** What arquero's verbs would get wrong in silence, or say in JavaScript's words: made right, or refused in ours. */
import type { ColumnTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { Int64Column } from "./file-columns.js";
import type { AnyColumn } from "./take.js";

/** What arquero knows of groups. */
export interface Groups {
  readonly names: readonly string[];
  /** Of each row the number of its group. */
  readonly keys: Uint32Array;
  /** Of each name what finds a group's value by a row. */
  readonly get: readonly ((row: number) => unknown)[];
  /** A row of each group. */
  readonly rows: readonly number[];
  readonly size: number;
}

export const groupsOf = (table: ColumnTable) => table.groups() as unknown as Groups | null;

/**
 * The table grouped by its values themselves. Arquero joins those of several columns with `|`, which text may have in it,
 * and tells null from undefined, as a join leaves behind.
 */
export function groupedByValues<Table extends ColumnTable>(table: Table): Table {
  const groups = groupsOf(table);
  if (!groups) return table;
  const { get, rows } = groups;
  const isDoubtful = (value: unknown) =>
    value === undefined || (get.length > 1 && typeof value === "string" && value.includes("|"));
  if (!rows.some((row) => get.some((of) => isDoubtful(of(row))))) return table;
  const known = new Map<string, number>();
  const keys = new Uint32Array(table.totalRows());
  const first: number[] = [];
  table.scan((row = 0) => {
    const key = keyOf(get.map((of) => of(row)));
    let group = known.get(key);
    if (group === undefined) known.set(key, (group = first.push(row) - 1));
    keys[row] = group;
  });
  return table.create({ groups: { ...groups, keys, rows: first, size: first.length } as never });
}

/** Text that is the same for the same values only: null is one, and an integer is the same as number and as BigInt. */
function keyOf(values: readonly unknown[]): string {
  return values
    .map((value) => {
      if (value === null || value === undefined) return "null";
      if (value instanceof Date) return `date ${value.getTime()}`;
      if (typeof value !== "object" && typeof value !== "string") return String(value as number);
      const text =
        typeof value === "string"
          ? value
          : JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
      return `${text.length} ${text}`;
    })
    .join();
}

/** The distinct rows of a table that are in each of the others, or in none of them; null is a value like others. */
export function rowsInOthers<Table extends ColumnTable>(
  table: Table,
  others: readonly ColumnTable[],
  areWanted: boolean,
): Table {
  const names = table.columnNames();
  const keysOf = (one: ColumnTable) => {
    const columns = names.map((name) => one.column(name)!);
    return (row: number) => keyOf(columns.map((column) => column.at(row)));
  };
  const sets = others.map((other) => {
    const [chosen, keys] = [other.select(names), new Set<string>()];
    const key = keysOf(chosen);
    chosen.scan((row = 0) => void keys.add(key(row)));
    return keys;
  });
  const [rows, key] = [[] as number[], keysOf(table)];
  table.scan((row = 0) => {
    const own = key(row);
    if (sets.every((keys) => keys.has(own) === areWanted)) rows.push(row);
  }, true);
  return table.reify(rows as never).dedupe() as Table;
}

/** Two tables whose keys of a join are of one kind: a BigInt equals no number in arquero's index. */
export function withKeysOfOneKind(left: ColumnTable, right: ColumnTable, on: unknown): [ColumnTable, ColumnTable] {
  const [ours, theirs] = on === undefined || on === null ? sharedNames(left, right) : namesOfKeys(on);
  ours.forEach((name, i) => {
    const other = theirs[i];
    if (typeof name !== "string" || typeof other !== "string") return;
    if (areBigInts(left, name) === areBigInts(right, other)) return;
    left = withReadable(left, name);
    right = withReadable(right, other);
  });
  return [left, right];
}

function sharedNames(left: ColumnTable, right: ColumnTable): [unknown[], unknown[]] {
  const names = left.columnNames().filter((name) => right.columnIndex(name) >= 0);
  return [names, names];
}

function namesOfKeys(on: unknown): [unknown[], unknown[]] {
  if (!Array.isArray(on)) return [[on], [on]];
  const [ours, theirs = ours] = on as unknown[];
  return [[ours].flat(), [theirs].flat()];
}

type BigInts = BigInt64Array | BigUint64Array;
const isOfBigInts = (column: unknown): column is BigInts =>
  column instanceof BigInt64Array || column instanceof BigUint64Array;
const areBigInts = (table: ColumnTable, name: string) => isOfBigInts(table.column(name));

function withReadable(table: ColumnTable, name: string): ColumnTable {
  const column = table.column(name) as unknown;
  if (!isOfBigInts(column)) return table;
  return table.create({ data: { ...table.data(), [name]: new Int64Column(column) } as never });
}

/** @throws ArgumentError if a verb would put a second column under the name of one that stays */
export function refuseSameName(verb: string, made: readonly string[], stay: readonly string[], hint: string): void {
  const twice = made.filter((name) => stay.includes(name));
  if (twice.length > 0)
    throw new ArgumentError(`${verb} would make a second column called ${listNames(twice)}, and the first be lost.`, {
      hint,
    });
}

/** A name that no column has, for as long as a verb runs. */
export const hidden = (name: string) => `\0${name}`;

/** The result of a verb that was given hidden names, with the names that its columns should have. */
export function withNames<Table extends ColumnTable>(
  verb: string,
  table: Table,
  names: Readonly<Record<string, string>>,
  hint: string,
): Table {
  const own = Object.entries(names).filter(([name]) => table.columnIndex(hidden(name)) >= 0);
  const others = table.columnNames().filter((name) => !own.some(([of]) => hidden(of) === name));
  refuseSameName(
    verb,
    own.map(([, name]) => name),
    others,
    hint,
  );
  return own.length > 0
    ? (table.rename(Object.fromEntries(own.map(([of, name]) => [hidden(of), name]))) as Table)
    : table;
}

/**
 * @throws ArgumentError for a pivot of which arquero would make wrong figures: it counts rows of other keys in, or takes
 * two pairs of keys for one
 */
export function refuseUnpivotable(table: ColumnTable, on: unknown, values: unknown, separator = "_"): void {
  const counting = Object.values((values ?? {}) as object).find((value) =>
    /\b(distinct|invalid)\(/.test(String(value)),
  );
  if (counting !== undefined)
    throw new ArgumentError("pivot cannot count what is distinct or missing: rows of other keys would be among it.", {
      hint: 'Count first, with the key among the groups: groupby(…, key).rollup({ n: op.distinct(…) }), then groupby(…).pivot(key, "n").',
    });
  if (!Array.isArray(on) || on.length < 2) return;
  const groups = groupsOf(table.ungroup().groupby(...(on as never[])))!;
  const texts = groups.rows.map((row) => groups.get.map((of) => of(row)).join(separator));
  const twice = texts.find((text, i) => texts.indexOf(text) < i);
  if (twice !== undefined)
    throw new ArgumentError(`Two pairs of keys of pivot would make one column, ${twice}.`, {
      hint: 'Give it a separator that is not in the keys: pivot(…, …, { keySeparator: " / " }).',
    });
}

/** @throws ArgumentError for windows that do not contain their own row, which arquero would take for others */
export function refuseOddWindows(values: unknown): void {
  if (typeof values !== "object" || values === null) return;
  for (const [name, value] of Object.entries(values)) {
    const [from, to] = (value as { window?: { frame?: [number, number] } } | null)?.window?.frame ?? [0, 0];
    if (from > 0 || to < 0)
      throw new ArgumentError(
        `The window [${from}, ${to}] of ${name} does not contain its own row, and windows have to: from 0 or less, to 0 or more.`,
        { hint: `Rows at a distance are op.lag(d.x, ${Math.abs(from)}) and op.lead(d.x, ${Math.abs(to)}).` },
      );
  }
}

/** What `run` returns; what JavaScript says of BigInts, and of operators that expressions do not have, is said in words. */
export function inOurWords<Result>(table: ColumnTable, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("BigInt")) throw bigIntError(table, error);
    if (error instanceof ReferenceError || error instanceof SyntaxError)
      throw new ArgumentError(`Expressions over rows have neither typeof nor in: ${error.message}.`, {
        hint: "aq.escape(d => …) takes a function as it is, with all that JavaScript has.",
        cause: error,
      });
    throw error;
  }
}

function bigIntError(table: ColumnTable, cause: Error): ArgumentError {
  const names = table.columnNames((name) => {
    const column = table.column(name) as unknown as AnyColumn;
    for (let row = 0; row < column.length; row++) if (typeof column.at(row) === "bigint") return true;
    return false;
  });
  const example = names[0] ?? "x";
  return new ArgumentError(
    `Integers beyond 2^53 are BigInts, which JavaScript does not reckon with like numbers${names.length > 0 ? `; there are some in ${listNames(names)}` : ""}.`,
    {
      hint: `op.parse_float(d.${example}) is the number nearest to one. Comparing, sorting, op.sum, op.mean, op.min and op.max need nothing.`,
      cause,
    },
  );
}
