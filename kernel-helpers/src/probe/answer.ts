import { table as makeTable, type ColumnTable } from "arquero";
import type { BpfMap } from "../handles/map.js";
import { captureOf, markCapture, type Capture } from "../streams/capture.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import { mapTable } from "../streams/map-table.js";
import type { EventTable } from "../streams/table.js";
import { addedUp, type AnyColumn, extremes, firstOfEach, rowsAlike } from "./alike.js";
import { rememberBounds } from "./buckets.js";
import { callerMember, pidMember } from "./program/struct-members.js";
import type { OutputColumn, Page } from "./program/page.js";
import type { FoldedStacks } from "./folded-stacks.js";
import type { Params } from "./program/verbs.js";

/** Makes of the program's columns those that were asked for: names instead of numbers, null where it is null. */
export class Answer {
  /** Of each column with names: the texts by code, shared by all batches. */
  readonly #dictionaries = new Map<OutputColumn, { texts: string[]; codes: Map<number | string, number> }>();

  readonly #page: Page;
  readonly #stacks: FoldedStacks | undefined;

  /** @param stacks where the kernel keeps stacks, if it keeps any */
  constructor(page: Page, stacks?: FoldedStacks) {
    this.#page = page;
    this.#stacks = stacks;
  }

  /** A batch of events. */
  events(raw: ColumnTable, capture = captureOf(raw)): EventTable<any> {
    const columns = this.#page.columns.map((column) => [column.name, this.#column(column, raw)] as const);
    return marked(columns, capture);
  }

  /** The groups as they are now. */
  groups(map: BpfMap, params: Params): EventTable<any> {
    const raw = mapTable(map);
    const wantsEach = this.#page.columns.some(({ how }) => how === "first" || how === "last");
    const each = wantsEach ? mapTable(map, { cpus: "each" }) : undefined;
    const get = (one: string) => raw.column(one) as unknown as AnyColumn;
    const keys = this.#page.columns
      .filter(({ how }) => how === undefined)
      .map((column) => [column, this.#column(column, raw)] as const);
    const alike = this.#page.usesStacks
      ? rowsAlike(
          keys.map(([, values]) => values),
          raw.numRows(),
        )
      : undefined;
    const rows = addedUp(get("rows"), alike);
    const columns = this.#page.columns.map((column): readonly [string, AnyColumn] => {
      const { how, member, name } = column;
      const validOf = column.special ? get(`${member}_valid`) : get("rows");
      const valid = column.special ? addedUp(validOf, alike) : rows;
      switch (how) {
        case undefined:
          return [name, firstOfEach(keys.find(([key]) => key === column)![1], alike)];
        case "count":
          return [name, rows];
        case "valid":
          return [name, addedUp(get(member), alike)];
        case "sum":
          return [name, where(addedUp(get(member), alike), valid)];
        case "min":
        case "max":
          return [name, where(extremes(how, get(member), validOf, alike), valid)];
        case "mean": {
          const sums = addedUp(get(member), alike);
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
          return [name, this.#endmost(column, how, each!, map.cpus, alike)];
        case "log2":
        case "linear": {
          const slots = addedUp(get(member), alike);
          if (column.bounds) rememberBounds(slots, column.bounds);
          return [name, slots];
        }
      }
    });
    const table = marked(columns, undefined);
    const formulas = [...this.#page.formulas].flatMap(([name, formula]) =>
      formula === undefined ? [] : [[name, formula]],
    );
    if (formulas.length === 0) return marked(columns, captureOf(raw));
    const computed = table
      .params(params)
      .derive(Object.fromEntries(formulas))
      .select([...this.#page.formulas.keys()]);
    return markCapture(computed, captureOf(raw)!) as EventTable<any>;
  }

  /** Of the CPUs' values that of the one that came first, or last. */
  #endmost(
    column: OutputColumn,
    how: "first" | "last",
    each: ColumnTable,
    cpus: number,
    alike: readonly number[][] | undefined,
  ): unknown[] {
    const values = this.#column(column, each);
    const times = each.column(`${column.member}_ns`) as unknown as AnyColumn;
    const rows = each.column("rows") as unknown as AnyColumn;
    const groups = alike ?? Array.from({ length: values.length / cpus }, (_, row) => [row]);
    return groups.map((group) => {
      let best: number | undefined;
      for (const row of group)
        for (let at = row * cpus; at < (row + 1) * cpus; at++) {
          if (!rows.at(at)) continue;
          const [mine, theirs] = [Number(times.at(at)), best === undefined ? undefined : Number(times.at(best))];
          if (theirs === undefined || (how === "first" ? mine < theirs : mine > theirs)) best = at;
        }
      return best === undefined ? undefined : values.at(best);
    });
  }

  #column(column: OutputColumn, raw: ColumnTable): AnyColumn {
    const values = raw.column(column.member) as unknown as AnyColumn;
    if (column.type.kind === "stack") return this.#stackTexts(column, column.type, values, raw);
    return column.special
      ? withSpecial(this.#shown(column, values), raw.column(`${column.member}_special`) as unknown as AnyColumn)
      : this.#shown(column, values);
  }

  #shown(column: OutputColumn, values: AnyColumn): AnyColumn {
    const { type } = column;
    if (type.kind === "named") return this.#named(column, (value) => type.names.nameOf(value), values, Number);
    return values;
  }

  /** A number stands for another text in each process. */
  #stackTexts(
    column: OutputColumn,
    { of, atEntry }: { of: "kernel" | "user"; atEntry?: boolean },
    values: AnyColumn,
    raw: ColumnTable,
  ): AnyColumn {
    const get = (member: string) => raw.column(member) as unknown as AnyColumn;
    if (of === "kernel") return this.#named(column, (value) => this.#stacks!.kernelText(value), values, Number);
    const pids = get(pidMember(column.member));
    const callers = atEntry ? get(callerMember(column.member)) : undefined;
    const rows = Array.from({ length: values.length }, (_, row) => row);
    const keyOf = (row: number) => `${String(values.at(row))} ${String(pids.at(row))} ${String(callers?.at(row))}`;
    const textOf = (row: number) =>
      this.#stacks!.userText(Number(values.at(row)), Number(pids.at(row)), Number(callers?.at(row) ?? 0));
    return this.#named(column, textOf, rows, keyOf);
  }

  #named<Key extends number | string>(
    column: OutputColumn,
    nameOf: (value: number) => string,
    values: AnyColumn,
    keyOf: (value: number) => Key,
  ): DictionaryColumn {
    const known = this.#dictionaries.get(column) ?? { texts: [], codes: new Map<number | string, number>() };
    this.#dictionaries.set(column, known);
    const codes = new Uint32Array(values.length);
    for (let row = 0; row < codes.length; row++) {
      const value = Number(values.at(row));
      const key = keyOf(value);
      let code = known.codes.get(key);
      if (code === undefined) known.codes.set(key, (code = known.texts.push(nameOf(value)) - 1));
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
