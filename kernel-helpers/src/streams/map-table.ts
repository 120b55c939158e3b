import { table as makeTable } from "arquero";
import { requireOneOf } from "../base/arguments.js";
import { flatten } from "../bpf/flatten.js";
import type { Combine, Field, Layout } from "../bpf/btf.js";
import type { MapBase } from "../bpf/map.js";
import { native } from "../base/native.js";
import type { Operation } from "../bpf/operations.js";
import { isPerCpu, strideOf, touched, type Summed } from "../bpf/per-cpu.js";
import { ArgumentError } from "../base/errors.js";
import { combineCpus } from "./combine.js";
import type { EventColumn } from "./event-columns.js";
import { markCapture } from "./capture.js";
import { provenance } from "./clock.js";
import { columnsOf, planRecord } from "./plan.js";
import type { EventTable } from "./table.js";

/** How a map is read as a table. */
export interface MapTableOptions {
  /** Of a per-CPU map: `sum` (default) makes one row an entry, `each` one row an entry and CPU, with a column `cpu`. */
  cpus?: "sum" | "each";
  /** 64-bit columns to read as BigInts, exact beyond 2^53. */
  bigint?: string[];
}

/** The columns of a map's table: the fields of its key and of its value, or `key` and `value` where they are no structs. */
export type MapRow<Key, Value> = Columns<Key, "key"> & Columns<Summed<Value>, "value">;

type Columns<Part, Name extends string> = 0 extends 1 & Part
  ? Record<string, any>
  : Part extends string | number | boolean | readonly unknown[]
    ? { [Column in Name]: Part }
    : Leaves<Part, "">;
type Leaves<Part, Path extends string> = Joined<
  {
    [Name in keyof Part & string]: Part[Name] extends string | number | boolean | readonly unknown[]
      ? { [Column in `${Path}${Name}`]: Part[Name] }
      : Leaves<Part[Name], `${Path}${Name}.`>;
  }[keyof Part & string]
>;
type Joined<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/**
 * All entries of a map as a table, in one pass and without an object an entry: a column for each field
 * of the key, then of the value. A field of the value that is called like one of the key is `value.NAME`.
 *
 * Of the CPUs' values numbers are added up, or the smallest or largest is taken where the program says so
 * with COMBINE. If the program counts what found no room in a global NAME_lost, the table says so.
 *
 * @throws ArgumentError for a map without entries to read, an unknown 64-bit column, or `cpus` of a map that is not per CPU; ClosedError
 * @example
 * stats.maps.stats_map.table().orderby(aq.desc("writes"))
 */
export function mapTable<Key, Value>(
  map: MapBase<Key, Value>,
  options: MapTableOptions = {},
): EventTable<MapRow<Key, Value>> {
  return readMap(map, options, "table") as EventTable<MapRow<Key, Value>>;
}

/** @internal `first` gives columns to put before those of the entries */
export function readMap(
  map: MapBase,
  options: MapTableOptions,
  operation: Operation,
  first: (rows: number) => Record<string, EventColumn> = () => ({}),
): EventTable<any> {
  checkOptions(map, options);
  const { keys, values, rows: entries } = map.walk(operation);
  const [keyLayout, valueLayout] = [map.layoutOf("key"), map.layoutOf("value")];
  const each = isPerCpu(map.type) && options.cpus === "each";
  const rows = each ? entries * map.cpus : entries;
  const { bigint = [] } = options;

  const keyNames = new Set(namesOf(keyLayout, "key"));
  const keyColumns = decodeColumns(
    map.path,
    keyLayout,
    "key",
    keys,
    each ? map.cpus : 1,
    bigint.filter((name) => keyNames.has(name)),
  );
  const valueColumns = decodeColumns(
    map.path,
    valueLayout,
    "value",
    values,
    1,
    bigint.filter((name) => !keyNames.has(name)),
    isPerCpu(map.type) ? strideOf(valueLayout) : undefined,
  );
  const written = isPerCpu(map.type) && !each ? touched(values, strideOf(valueLayout)) : undefined;

  const columns: Record<string, EventColumn> = first(rows);
  const added = new Set([...Object.keys(columns), ...(each ? ["cpu"] : [])]);
  for (const { field, column } of keyColumns)
    columns[added.has(field.name) ? `key.${field.name}` : field.name] = column;
  if (each) columns["cpu"] = Uint16Array.from({ length: rows }, (_, row) => row % map.cpus);
  for (const { field, column } of valueColumns) {
    const name = field.name in columns ? `value.${field.name}` : field.name;
    columns[name] = written ? combineCpus(column, map.cpus, written, field.combine ?? "sum") : column;
  }
  const now = Date.now();
  const table = makeTable(columns);
  return markCapture(table, {
    ...provenance(),
    source: map.path,
    of: "entries",
    rows,
    lost: map.lost ?? 0,
    dropped: 0,
    startedAt: now,
    endedAt: now,
  }) as EventTable<any>;
}

function checkOptions(map: MapBase, { cpus }: MapTableOptions): void {
  if (cpus === undefined) return;
  requireOneOf("cpus", cpus, ["sum", "each"]);
  if (!isPerCpu(map.type))
    throw new ArgumentError(`cpus: the map ${map.path} is of type ${map.type}, which has one value for all CPUs.`);
}

/** Fields as columns; what is not a struct is one column of that name. */
function fieldsOf(layout: Layout, name: string): (Field & { combine?: Combine })[] {
  return layout.kind === "struct" ? flatten(layout) : [{ name, offset: 0, layout }];
}

const namesOf = (layout: Layout, name: string) => fieldsOf(layout, name).map((field) => field.name);

function decodeColumns(
  owner: string,
  layout: Layout,
  name: string,
  bytes: Buffer,
  repeat: number,
  bigint: string[],
  stride = layout.size,
): { field: Field; column: EventColumn }[] {
  const fields = fieldsOf(layout, name);
  const plan = planRecord(owner, { kind: "struct", size: stride, name: "", fields }, bigint);
  const decoded = native.map_columns(bytes, plan.native, repeat);
  const columns = Object.values(
    columnsOf(
      plan,
      decoded,
      decoded.labels.map((added) => added ?? []),
    ),
  );
  return fields.map((field, i) => ({ field, column: columns[i]! }));
}
