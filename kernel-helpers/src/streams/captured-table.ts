import { ColumnTable } from "arquero";
import { joinCaptures, type Capture } from "./account.js";
import { reifyRows } from "./rows.js";
import type { AnyColumn } from "./take.js";

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

  override rollup(...args: Parameters<ColumnTable["rollup"]>): this {
    return this.#derived(super.rollup(...args));
  }
  override count(...args: Parameters<ColumnTable["count"]>): this {
    return this.#derived(super.count(...args));
  }
  override reduce(...args: Parameters<ColumnTable["reduce"]>): this {
    return this.#derived(super.reduce(...args));
  }
  override fold(...args: Parameters<ColumnTable["fold"]>): this {
    return this.#derived(super.fold(...args));
  }
  override pivot(...args: Parameters<ColumnTable["pivot"]>): this {
    return this.#derived(super.pivot(...args));
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

  override join(...args: Parameters<ColumnTable["join"]>): this {
    return this.#derived(this.#joined(super.join(...args), [args[0]]));
  }
  override join_left(...args: Parameters<ColumnTable["join_left"]>): this {
    return this.#derived(this.#joined(super.join_left(...args), [args[0]]));
  }
  override join_right(...args: Parameters<ColumnTable["join_right"]>): this {
    return this.#derived(this.#joined(super.join_right(...args), [args[0]]));
  }
  override join_full(...args: Parameters<ColumnTable["join_full"]>): this {
    return this.#derived(this.#joined(super.join_full(...args), [args[0]]));
  }
  /** Arquero pairs the rows of one table with none where the other has no rows. */
  override cross(...args: Parameters<ColumnTable["cross"]>): this {
    const crossed = this.#derived(this.#joined(super.cross(...args), [args[0]]));
    const other = args[0] as unknown as ColumnTable;
    return this.numRows() === 0 || other.numRows() === 0 ? crossed.filter(() => false).reify() : crossed;
  }

  override semijoin(...args: Parameters<ColumnTable["semijoin"]>): this {
    return this.#joined(super.semijoin(...args), [args[0]]);
  }
  override antijoin(...args: Parameters<ColumnTable["antijoin"]>): this {
    return this.#joined(super.antijoin(...args), [args[0]]);
  }
  override lookup(
    other: Parameters<ColumnTable["lookup"]>[0],
    on?: Parameters<ColumnTable["lookup"]>[1],
    ...values: Parameters<ColumnTable["select"]>
  ): this {
    return this.#joined(super.lookup(other, on, ...(values as never[])), [other]);
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
    return this.#joined(super.intersect(...tables), tables);
  }
  override except(...tables: Parameters<ColumnTable["except"]>): this {
    return this.#joined(super.except(...tables), tables);
  }
}

/** Groups whose values are found by the table's rows as they are now, not by those that it had when it was grouped. */
function ownGroups(table: ColumnTable): object | null {
  const groups = table.groups() as unknown as GroupBy | null;
  if (!groups) return null;
  const { keys, get, rows } = groups;
  const values = get.map((of) => rows.map((row) => of(row)));
  const first = rows.map((_, group) => keys.indexOf(group));
  return { ...groups, rows: first, get: values.map((column) => (row: number) => column[keys[row]!]) };
}

/** What arquero knows of groups. */
interface GroupBy {
  /** Of each row the number of its group. */
  readonly keys: Uint32Array;
  /** Of each name what finds a group's value by a row. */
  readonly get: readonly ((row: number) => unknown)[];
  /** A row of each group. */
  readonly rows: readonly number[];
}
