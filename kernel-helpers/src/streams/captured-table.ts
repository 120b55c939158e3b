import { inspect } from "node:util";
import { textOf } from "../base/display.js";
import { ColumnTable, not } from "arquero";
import { joinCaptures, type Capture } from "./account.js";
import "./arquero-functions.js";
import { reifyRows } from "./rows.js";
import type { AnyColumn } from "./take.js";
import {
  groupedByValues,
  groupsOf,
  inOurWords,
  refuseOddWindows,
  hidden,
  refuseSameName,
  refuseUnpivotable,
  rowsInOthers,
  withNames,
  withKeysOfOneKind,
} from "./verb-guards.js";

/** What a table's rows have to do with a capture. */
export interface Origin {
  readonly capture: Capture;
  /** True if a row is no longer one event or entry of it: sums, counts, pairs of a join. */
  readonly derived: boolean;
}

/**
 * Arquero's table, which remembers what its rows come from. Each verb makes its result by `create`, of the class of the
 * table it began with, and so the origin follows; a verb that takes further tables adds theirs.
 */
export class CapturedTable extends ColumnTable {
  #origin: Origin | undefined;

  /** The same columns, filter, order and groups, with an origin. */
  static from(table: ColumnTable, origin: Origin): CapturedTable {
    const marked = new CapturedTable(
      table.data() as never,
      table.columnNames() as never,
      table.mask(),
      table.groups(),
      table.comparator(),
      table.params() as never,
    );
    marked.#origin = origin;
    return marked;
  }

  /** Its head, as the cell's last line would show it, in place of arquero's own fields. */
  [inspect.custom](): string {
    return textOf(this) ?? `a table of ${this.numRows()} rows`;
  }

  get origin(): Origin | undefined {
    return this.#origin;
  }

  override create(options?: Parameters<ColumnTable["create"]>[0]): this {
    const made = super.create(options);
    made.#origin = this.#origin;
    return made;
  }

  override reify(indices?: number[]): this {
    return reifyRows(this, indices);
  }

  /** The same table, whose lists are arrays: arquero takes a row that is a typed array for a single value. */
  #withArrays(): this {
    const data = this.columnNames().map((name) => {
      const column = this.column(name) as unknown as AnyColumn;
      return [
        name,
        "size" in column
          ? Array.from(column as unknown as Iterable<ArrayLike<unknown>>, (row) => Array.from(row))
          : column,
      ] as const;
    });
    return this.create({ data: Object.fromEntries(data) as never, names: this.columnNames() as never });
  }

  /** The result of a verb whose rows are no longer those that were captured. */
  #derived(result: this): this {
    if (result.#origin) result.#origin = { ...result.#origin, derived: true };
    return result;
  }

  /** The result of a verb that took further tables. */
  #joined(result: this, others: readonly unknown[]): this {
    const made = result === this ? result.create() : result;
    const origins = [this, ...others.flat()].flatMap((table) =>
      table instanceof CapturedTable && table.#origin ? table.#origin : [],
    );
    const sources = new Set(origins.map(({ capture }) => capture.source));
    const capture = joinCaptures(
      [...sources].join(" and "),
      origins.map((origin) => origin.capture),
    );
    if (capture) made.#origin = { capture, derived: origins.some(({ derived }) => derived) };
    return made;
  }

  override filter(...args: Parameters<ColumnTable["filter"]>): this {
    return inOurWords(this, () => super.filter(...args));
  }
  override derive(...args: Parameters<ColumnTable["derive"]>): this {
    refuseOddWindows(args[0]);
    return inOurWords(this, () => super.derive(...args));
  }
  override groupby(...args: Parameters<ColumnTable["groupby"]>): this {
    return groupedByValues(inOurWords(this, () => super.groupby(...args)));
  }
  override dedupe(...keys: Parameters<ColumnTable["dedupe"]>): this {
    const by = keys.flat();
    return this.groupby(...(by.length > 0 ? by : (this.columnNames() as never[])))
      .filter("row_number() === 1")
      .ungroup()
      .reify();
  }

  override rollup(...args: Parameters<ColumnTable["rollup"]>): this {
    return this.#derived(inOurWords(this, () => super.rollup(...args)));
  }
  override count(...args: Parameters<ColumnTable["count"]>): this {
    const name = args[0]?.as ?? "count";
    refuseSameName("count", [name], groupsOf(this)?.names ?? [], 'Name its column: count({ as: "n" }).');
    return this.#derived(super.count(...args));
  }
  /** Arquero tells a reducer where to write by the rows of the group before, not by those of all before. */
  override reduce(reducer: Parameters<ColumnTable["reduce"]>[0]): this {
    const { init, add, outputs, write } = reducer as unknown as Record<string, (...args: unknown[]) => unknown>;
    let written = 0;
    const placed = {
      init: (...args: unknown[]) => init!.apply(reducer, args),
      add: (...args: unknown[]) => add!.apply(reducer, args),
      outputs: () => outputs!.apply(reducer),
      write(state: unknown, values: unknown) {
        const rows = write!.call(reducer, state, values, written) as number;
        written += rows;
        return rows;
      },
    };
    return this.#derived(super.reduce(placed as unknown as typeof reducer));
  }
  override fold(...[values, options]: Parameters<ColumnTable["fold"]>): this {
    const as = {
      key: "key",
      value: "value",
      ...Object.fromEntries(["key", "value"].map((of, i) => [of, options?.as?.[i] ?? of])),
    };
    const folded = super.fold(values, { ...options, as: Object.keys(as).map(hidden) as [string, string] });
    const replaced = options?.as?.filter((name) => folded.columnIndex(name) >= 0) ?? []; // whoever names it means it
    const kept = replaced.length > 0 ? folded.select(not(replaced)) : folded;
    return this.#derived(withNames("fold", kept, as, 'Name them otherwise: fold(…, { as: ["what", "amount"] }).'));
  }
  override pivot(...[on, values, options]: Parameters<ColumnTable["pivot"]>): this {
    refuseUnpivotable(this, on, values, options?.keySeparator);
    const groups = groupsOf(this);
    const names = Object.fromEntries((groups?.names ?? []).map((name) => [name, name]));
    const table = groups ? this.create({ groups: { ...groups, names: groups.names.map(hidden) } as never }) : this;
    const pivoted = inOurWords(this, () => super.pivot.call(table, on, values, options) as this);
    return this.#derived(withNames("pivot", pivoted, names, "Rename the column that the table is grouped by."));
  }
  /** Arquero looks for the combinations that are missing by the wrong rows in a table that is filtered or ordered. */
  override impute(...[values, options]: Parameters<ColumnTable["impute"]>): this {
    if (options?.expand === undefined) return super.impute(values, options);
    const table = this.reify();
    const imputed = super.impute.call(table.create({ groups: ownGroups(table) as never }), values, options) as this;
    return this.#derived(imputed);
  }
  override unroll(...args: Parameters<ColumnTable["unroll"]>): this {
    return this.#derived(super.unroll.apply(this.#withArrays(), args));
  }
  override spread(...args: Parameters<ColumnTable["spread"]>): this {
    return super.spread.apply(this.#withArrays(), args);
  }

  /** Lists as arrays: JSON has no typed arrays, and would name the places in them. */
  override toJSON(...args: Parameters<ColumnTable["toJSON"]>): string {
    return super.toJSON.apply(this.#withArrays(), args);
  }

  /** What a verb makes of this and another table that are matched by keys. */
  #matched(verb: (...args: never[]) => unknown, args: readonly unknown[]): this {
    const [left, right] = withKeysOfOneKind(this, args[0] as ColumnTable, args[1]);
    return this.#joined(verb.apply(left, [right, ...args.slice(1)] as never[]) as this, [args[0]]);
  }

  override join(...args: Parameters<ColumnTable["join"]>): this {
    return this.#derived(this.#matched(super.join, args));
  }
  override join_left(...args: Parameters<ColumnTable["join_left"]>): this {
    return this.#derived(this.#matched(super.join_left, args));
  }
  override join_right(...args: Parameters<ColumnTable["join_right"]>): this {
    return this.#derived(this.#matched(super.join_right, args));
  }
  override join_full(...args: Parameters<ColumnTable["join_full"]>): this {
    return this.#derived(this.#matched(super.join_full, args));
  }
  /** Arquero pairs the rows of one table with none where the other has no rows. */
  override cross(...args: Parameters<ColumnTable["cross"]>): this {
    const crossed = this.#derived(this.#joined(super.cross(...args), [args[0]]));
    const other = args[0] as unknown as ColumnTable;
    return this.numRows() === 0 || other.numRows() === 0 ? crossed.filter(() => false).reify() : crossed;
  }

  override semijoin(...args: Parameters<ColumnTable["semijoin"]>): this {
    return this.#matched(super.semijoin, args);
  }
  override antijoin(...args: Parameters<ColumnTable["antijoin"]>): this {
    return this.#matched(super.antijoin, args);
  }
  override lookup(
    other: Parameters<ColumnTable["lookup"]>[0],
    on?: Parameters<ColumnTable["lookup"]>[1],
    ...values: Parameters<ColumnTable["select"]>
  ): this {
    return this.#matched(super.lookup, [other, on, ...(values as never[])]);
  }
  override assign(...tables: Parameters<ColumnTable["assign"]>): this {
    return this.#joined(super.assign(...tables), tables);
  }
  override concat(...tables: Parameters<ColumnTable["concat"]>): this {
    return this.#joined(super.concat(...tables), tables);
  }
  override union(...tables: Parameters<ColumnTable["union"]>): this {
    return this.#joined(super.union(...tables), tables);
  }
  override intersect(...tables: Parameters<ColumnTable["intersect"]>): this {
    return this.#joined(rowsInOthers(this, tables.flat() as never, true), tables);
  }
  override except(...tables: Parameters<ColumnTable["except"]>): this {
    return this.#joined(rowsInOthers(this, tables.flat() as never, false), tables);
  }
}

/** Groups whose values are found by the table's rows as they are now, not by those that it had when it was grouped. */
function ownGroups(table: ColumnTable): object | null {
  const groups = groupsOf(table);
  if (!groups) return null;
  const { keys, get, rows } = groups;
  const values = get.map((of) => rows.map((row) => of(row)));
  const first = rows.map((_, group) => keys.indexOf(group));
  return { ...groups, rows: first, get: values.map((column) => (row: number) => column[keys[row]!]) };
}
