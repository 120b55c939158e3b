import { op, table as makeTable, type ColumnTable } from "arquero";
import type { BpfMap } from "../handles/map.js";
import { captureOf, markCapture, type Capture } from "../streams/capture.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import { mapTable } from "../streams/map-table.js";
import type { EventTable } from "../streams/table.js";
import { rememberBounds } from "./buckets.js";
import type { OutputColumn, Page } from "./program/page.js";
import type { FoldedStacks } from "./folded-stacks.js";

type AnyColumn = Iterable<unknown> & { readonly length: number; at(row: number): unknown };

/** Makes of the program's columns those that were asked for: names instead of numbers, null where it is null. */
export class Answer {
  /** Of each column with names: the texts by code, shared by all batches. */
  readonly #dictionaries = new Map<OutputColumn, { texts: string[]; codes: Map<number, number> }>();

  /** @param stacks where the kernel keeps stacks, if it keeps any */
  constructor(
    private readonly page: Page,
    private readonly stacks?: FoldedStacks,
  ) {}

  /** A batch of events. */
  events(raw: ColumnTable, capture = captureOf(raw)): EventTable<any> {
    const columns = this.page.columns.map((column) => [column.name, this.#column(column, raw)] as const);
    return marked(columns, capture);
  }

  /** The groups as they are now. */
  groups(map: BpfMap): EventTable<any> {
    const raw = mapTable(map);
    const capture = captureOf(raw);
    const wantsEach = this.page.columns.some(({ how }) => how === "first" || how === "last");
    const each = wantsEach ? mapTable(map, { cpus: "each" }) : undefined;
    const columns = this.page.columns.map((column): readonly [string, AnyColumn] => {
      const { how, member, name } = column;
      const get = (one: string) => raw.column(one) as unknown as AnyColumn;
      const rows = get("rows");
      const valid = column.special ? get(`${member}_valid`) : rows;
      switch (how) {
        case undefined:
          return [name, this.#column(column, raw)];
        case "count":
          return [name, rows];
        case "valid":
          return [name, get(member)];
        case "sum":
        case "min":
        case "max":
          return [name, where(get(member), valid)];
        case "mean": {
          const sums = get(member);
          return [
            name,
            where(
              Float64Array.from({ length: sums.length }, (_, row) => Number(sums.at(row)) / Number(valid.at(row))),
              valid,
            ),
          ];
        }
        case "first":
        case "last":
          return [name, this.#endmost(column, how, each!, map.cpus)];
        case "log2":
        case "linear": {
          const slots = get(member);
          if (column.bounds) rememberBounds(slots, column.bounds);
          return [name, slots];
        }
      }
    });
    return marked(this.#merged(columns), capture);
  }

  /** Stacks that differ by addresses within the same functions are one group, as far as what is added up lets them be. */
  #merged(columns: readonly (readonly [string, AnyColumn])[]): readonly (readonly [string, AnyColumn])[] {
    const keys = this.page.columns.filter(({ how }) => how === undefined);
    const sums = this.page.columns.filter(({ how }) => how !== undefined);
    const adding = { count: op.sum, valid: op.sum, sum: op.sum, min: op.min, max: op.max };
    const isAdding = (how: string): how is keyof typeof adding => how in adding;
    if (!this.page.usesStacks || !sums.every(({ how }) => isAdding(how!))) return columns;
    const table = marked(columns, undefined)
      .groupby(keys.map(({ name }) => name))
      .rollup(Object.fromEntries(sums.map(({ name, how }) => [name, adding[how as "sum"](name)])));
    return table.columnNames().map((name) => [name, table.column(name) as unknown as AnyColumn] as const);
  }

  /** Of the CPUs' values that of the one that came first, or last. */
  #endmost(column: OutputColumn, how: "first" | "last", each: ColumnTable, cpus: number): unknown[] {
    const values = this.#column(column, each);
    const times = each.column(`${column.member}_ns`) as unknown as AnyColumn;
    const rows = each.column("rows") as unknown as AnyColumn;
    return Array.from({ length: values.length / cpus }, (_, group) => {
      let best: number | undefined;
      for (let at = group * cpus; at < (group + 1) * cpus; at++) {
        if (!rows.at(at)) continue;
        const [mine, theirs] = [Number(times.at(at)), best === undefined ? undefined : Number(times.at(best))];
        if (theirs === undefined || (how === "first" ? mine < theirs : mine > theirs)) best = at;
      }
      return best === undefined ? undefined : values.at(best);
    });
  }

  #column(column: OutputColumn, raw: ColumnTable): AnyColumn {
    const values = raw.column(column.member) as unknown as AnyColumn;
    const shown = this.#shown(column, values);
    return column.special ? withSpecial(shown, raw.column(`${column.member}_special`) as unknown as AnyColumn) : shown;
  }

  #shown(column: OutputColumn, values: AnyColumn): AnyColumn {
    const { type } = column;
    if (type.kind === "named") return this.#named(column, (value) => type.names.nameOf(value), values);
    if (type.kind === "stack") return this.#named(column, (value) => this.stacks!.textOf(value, type.of), values);
    return values;
  }

  #named(column: OutputColumn, nameOf: (value: number) => string, values: AnyColumn): DictionaryColumn {
    const known = this.#dictionaries.get(column) ?? { texts: [], codes: new Map<number, number>() };
    this.#dictionaries.set(column, known);
    const codes = new Uint32Array(values.length);
    for (let row = 0; row < codes.length; row++) {
      const value = Number(values.at(row));
      let code = known.codes.get(value);
      if (code === undefined) known.codes.set(value, (code = known.texts.push(nameOf(value)) - 1));
      codes[row] = code;
    }
    return new DictionaryColumn(codes, known.texts);
  }
}

function withSpecial(values: AnyColumn, special: AnyColumn): AnyColumn {
  const kinds = [undefined, null, NaN, Infinity, -Infinity];
  let any = false;
  for (let row = 0; row < special.length && !any; row++) any = special.at(row) !== 0;
  if (!any) return values;
  return Array.from({ length: values.length }, (_, row) => {
    const kind = special.at(row) as number;
    return kind === 0 ? values.at(row) : kinds[kind];
  });
}

/** The values, and undefined where nothing was added up, as arquero has it. */
function where(values: AnyColumn, valid: AnyColumn): AnyColumn {
  for (let row = 0; row < values.length; row++)
    if (!valid.at(row))
      return Array.from({ length: values.length }, (_, i) => (valid.at(i) ? values.at(i) : undefined));
  return values;
}

function marked(columns: readonly (readonly [string, AnyColumn])[], capture: Capture | undefined): EventTable<any> {
  const result = makeTable(
    Object.fromEntries(columns) as never,
    columns.map(([name]) => name),
  );
  return (capture ? markCapture(result, capture) : result) as EventTable<any>;
}
