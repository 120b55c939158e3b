import type { Layout } from "../bpf/btf.js";
import { flatten } from "../bpf/flatten.js";
import type { RecordType } from "../bpf/ring-records.js";
import type { Columns, Plan, PlanColumn } from "../base/native.js";
import { ArgumentError } from "../base/errors.js";
import { unknownName } from "../base/names.js";
import { DictionaryColumn, type EventColumn } from "./event-columns.js";
import { heapOf, maker, planColumn, scalarOf, type ColumnMaker, type RecordField } from "./field-column.js";
import { OptionalColumn, TailColumn } from "./varying-columns.js";

/** How the drain thread decodes a record, and how its memory becomes columns here. */
export interface RecordPlan {
  native: Plan;
  columns: PlannedColumn[];
  /** How long records are by this plan, for messages: `struct event has 48 bytes`. */
  lengths: string;
}

interface PlannedColumn {
  name: string;
  make: ColumnMaker;
  /** Set where only some types of record have the field: which, by the number of the type. */
  has?: boolean[];
}

/** How records of several types in one ring are told apart: by an integer field. */
export interface Tag {
  field: string;
  /** Its value in the records of each type, in the order of the types. */
  values: (number | bigint)[];
}

export interface RecordPlanOptions {
  /** Names of 64-bit columns that are to be BigInts. */
  bigint?: readonly string[];
  /** Names of text columns to have the bytes of, too. */
  bytes?: readonly string[];
  tag?: Tag;
  /** How long a record of so many bytes is when it comes. */
  delivered?: (size: number) => number;
}

/**
 * The plan for what lies side by side with this layout, such as the values of a map.
 *
 * @throws ArgumentError for a name in `bigint` that is no 64-bit column
 */
export function planRecord(owner: string, layout: Layout, bigint: readonly string[] = []): RecordPlan {
  return planRecords(owner, [{ name: "", layout, open: false }], { bigint });
}

/**
 * The plan for the records of a ring: made once, followed for every record. Records of several types go into one
 * table, whose column `record` says of which type each is; fields of one name and kind share a column, and a field
 * that a type lacks is undefined in its rows. Without a type records are bytes.
 *
 * @throws ArgumentError for a name in `bigint` or `bytes` that is no such column, or a tag that a type does not have
 */
export function planRecords(
  owner: string,
  types: readonly RecordType[],
  { bigint = [], bytes = [], tag, delivered = (size) => size }: RecordPlanOptions = {},
): RecordPlan {
  if (types.length === 0) return rawPlan;
  const fields = types.map((type) => fieldsOf(type));
  requireColumns("64-bit column", owner, bigint, fields, isWide);
  requireColumns("text column", owner, bytes, fields, (field) => scalarOf(field.layout).kind === "text");
  const all = fields.map((list) =>
    list.flatMap((field) => {
      const planned = { field, column: planColumn(field, bigint.includes(field.name)) };
      return bytes.includes(field.name) ? [planned, bytesBeside(field)] : [planned];
    }),
  );
  const variants = types.map(({ layout, open }, i) => {
    const tail = open ? fields[i]!.find((field) => field.tail) : undefined;
    return {
      ...(tag ? { tag: tag.values[i]! } : {}),
      least: tail ? tail.offset : delivered(layout.size),
      ...(tail && !tail.tail!.most ? {} : { most: delivered(layout.size) }),
    };
  });
  const recordSize = Math.max(...types.map(({ layout }) => layout.size));
  const lengths = types.map(({ name, layout, open }) => `${name} has ${open ? "up to " : ""}${layout.size} bytes`);
  const native = { recordSize, variants, ...(tag ? tagPlace(owner, types, fields, tag) : {}) };
  if (types.length === 1)
    return {
      native: { ...native, columns: all[0]!.map(({ column }) => column) },
      columns: all[0]!.map(({ field, column }) => ({ name: field.name, make: maker(field, column) })),
      lengths: lengths[0]!,
    };
  const merged = merge(types, all);
  const names = types.map(({ name }) => name);
  const record = merged.some(({ name }) => name === "record") ? "record type" : "record";
  return {
    native: { ...native, columns: [{ decode: "variant", offset: 0 }, ...merged.map(({ column }) => column)] },
    columns: [
      {
        name: record,
        make: ({ buffer, offset, rows }) => new DictionaryColumn(new Uint32Array(buffer, offset, rows), names),
      },
      ...merged.map(({ name, field, column, has }) => ({
        name,
        make: maker(field, column),
        ...(has.every(Boolean) ? {} : { has }),
      })),
    ],
    lengths: lengths.join(", "),
  };
}

/** What the addon hands over as columns by their names. */
export function columnsOf(
  plan: RecordPlan,
  { rows, buffers, offsets, heaps }: Columns,
  dictionaries: readonly string[][],
): Record<string, EventColumn> {
  const made = plan.columns.map(({ make }, i) =>
    make({ buffer: buffers[i]!, offset: offsets[i]!, rows, dictionary: dictionaries[i] ?? [], heap: heaps?.[i] }),
  );
  const types = made[0] instanceof DictionaryColumn ? made[0].codes : new Uint32Array(0); // the first says the types
  return Object.fromEntries(
    plan.columns.map(({ name, has }, i) => [name, has ? new OptionalColumn(made[i]!, types, has) : made[i]!]),
  );
}

/** Records of which nothing is known: their bytes. */
const rawPlan: RecordPlan = {
  native: { recordSize: 0, variants: [{ least: 0 }], columns: [{ decode: "tail", offset: 0, width: 1 }] },
  columns: [
    {
      name: "bytes",
      make: ({ buffer, offset, rows, heap }) =>
        new TailColumn(new Float64Array(buffer, offset, rows), heapOf(heap), (bytes) => bytes),
    },
  ],
  lengths: "any length",
};

function fieldsOf({ layout, open }: RecordType): RecordField[] {
  if (!open || layout.kind !== "struct") return flatten(layout);
  const tail = tailOf(layout, "", 0);
  const rest = flatten(layout).filter(({ name }) => name !== tail.name && !name.startsWith(`${tail.name}.`));
  return [...rest, tail];
}

/** The array at the end of a struct, through structs that stand last. */
function tailOf(layout: Layout & { kind: "struct" }, prefix: string, base: number): RecordField {
  const last = layout.fields.at(-1)!;
  const [name, offset] = [prefix + last.name, base + last.offset];
  if (last.layout.kind === "struct") return tailOf(last.layout, `${name}.`, offset);
  const element = last.layout.kind === "array" ? last.layout.element : "char";
  const size = element === "char" ? 1 : element.size;
  return { name, offset, layout: last.layout, tail: { element, size, most: last.layout.size } };
}

function isWide({ layout, tail }: RecordField): boolean {
  const { kind, size } = scalarOf(layout);
  return !tail && size === 8 && (kind === "int" || kind === "pointer");
}

function requireColumns(
  what: string,
  owner: string,
  asked: readonly string[],
  fields: readonly RecordField[][],
  test: (field: RecordField) => boolean,
): void {
  const able = [
    ...new Set(
      fields
        .flat()
        .filter(test)
        .map(({ name }) => name),
    ),
  ];
  for (const name of asked) if (!able.includes(name)) throw unknownName(what, owner, name, able);
}

/** The bytes of a text, which may go on behind its end, as a column of its own. */
function bytesBeside({ name, offset, layout, tail }: RecordField): { field: RecordField; column: PlanColumn } {
  const byte: Layout = { kind: "int", size: 1, signed: false };
  const field: RecordField = {
    name: `${name}.bytes`,
    offset,
    layout: { kind: "array", size: layout.size, element: byte, length: layout.size },
    ...(tail ? { tail: { ...tail, element: byte } } : {}),
  };
  return { field, column: planColumn(field, false) };
}

interface Merged {
  name: string;
  field: RecordField;
  column: PlanColumn;
  has: boolean[];
}

/** Columns of all types: one for the fields that have a name and a kind in common. */
function merge(types: readonly RecordType[], all: readonly { field: RecordField; column: PlanColumn }[][]): Merged[] {
  const merged = new Map<string, Merged & { kind: string }>();
  all.forEach((planned, type) => {
    for (const { field, column } of planned) {
      const kind = JSON.stringify([{ ...column, offset: 0 }, scalarOf(field.layout).kind]);
      const taken = merged.get(field.name);
      const name = taken && taken.kind !== kind ? `${types[type]!.name}.${field.name}` : field.name;
      const entry = merged.get(name) ?? {
        name,
        field,
        kind,
        column: { ...column, offsets: types.map(() => -1) },
        has: types.map(() => false),
      };
      merged.set(name, entry);
      entry.column.offsets![type] = field.offset;
      entry.has[type] = true;
    }
  });
  return [...merged.values()];
}

function tagPlace(
  owner: string,
  types: readonly RecordType[],
  fields: readonly RecordField[][],
  { field }: Tag,
): { tagOffset: number; tagWidth: number } {
  const places = fields.map((list, i) => {
    const found = list.find(({ name }) => name === field);
    const able = list.filter(isTag).map(({ name }) => name);
    if (!found || !isTag(found)) throw unknownName("integer field", `${owner}: ${types[i]!.name}`, field, able);
    return { tagOffset: found.offset, tagWidth: found.layout.size };
  });
  const odd = places.findIndex((place) => JSON.stringify(place) !== JSON.stringify(places[0]));
  if (odd > 0)
    throw new ArgumentError(
      `${owner}: the field ${field} does not lie at the same place in ${types[0]!.name} and ${types[odd]!.name}, so it cannot tell their records apart.`,
    );
  return places[0]!;
}

function isTag({ layout, bits }: RecordField): boolean {
  return !bits && (layout.kind === "int" || layout.kind === "enum") && layout.size <= 8;
}
