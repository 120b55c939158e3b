import type { ObjectBase, RingDescription } from "../bpf/object.js";
import { deliveredLength, type RecordType } from "../bpf/ring-records.js";
import { flatten } from "../bpf/flatten.js";
import { ArgumentError } from "../base/errors.js";
import { planRecords, type RecordPlan, type Tag } from "./plan.js";

/** How a ring's records of several types are told apart. */
export type RecordTypes = readonly string[] | { field: string; [value: string | number]: string };

/** How records are read. */
export interface RecordOptions {
  /** 64-bit columns to read as BigInts, exact beyond 2^53. */
  bigint?: string[];
  /** Text columns to have the bytes of as well, in a column `NAME.bytes`: what stands behind a NUL, or is no UTF-8. */
  bytes?: string[];
  /**
   * The type of the ring's records, such as `event` for `struct event`, or `bytes`; by default what the program says
   * with RING_BUFFER or __type(value, …), else what its calls hand over.
   */
  record?: string;
  /**
   * Several types in one ring, told apart by a field of all of them (`{ field: "type", 1: "open", 2: "close" }`, where
   * an enum's labels serve as well as numbers) or, given as a list, by their lengths.
   */
  records?: RecordTypes;
}

/**
 * How a ring's records become columns: as the options say, else as the object does.
 *
 * @throws ArgumentError for a type, a field or a column that is not there
 */
export function planRing(
  object: ObjectBase<any>,
  { map, records: known }: RingDescription,
  { record, records, bigint = [], bytes = [] }: RecordOptions,
): RecordPlan {
  if (record !== undefined && records !== undefined)
    throw new ArgumentError("Give record for one type of records, or records for several, not both.");
  const named = record === undefined ? undefined : [record];
  const { names, tags } = records === undefined ? { names: named, tags: undefined } : readTypes(records);
  const types = names ? names.flatMap((name) => (name === "bytes" ? [] : typeOf(object, name))) : known;
  const tag = tags && { field: tags.field, values: tags.values.map((value) => tagValue(types[0]!, tags.field, value)) };
  const delivered = (size: number) => deliveredLength(map.type, size);
  if (types.length > 1 && !tag) requireLengths(map.path, types, delivered);
  return planRecords(map.path, types, { bigint, bytes, delivered, ...(tag ? { tag } : {}) });
}

function typeOf(object: ObjectBase<any>, name: string): RecordType {
  const type = object.recordType(name);
  if (type) return type;
  throw new ArgumentError(`${object.name} has no struct ${name}.`, {
    hint: 'Name a struct that its programs use, or "bytes" to read records as they are.',
  });
}

/** The names of the types, and how a field says which it is. */
function readTypes(records: RecordTypes): { names: string[]; tags?: { field: string; values: string[] } } {
  if (Array.isArray(records)) return { names: [...(records as string[])] };
  const { field, ...byValue } = records as { field: string };
  const [values, names] = [Object.keys(byValue), Object.values<unknown>(byValue)];
  if (typeof field !== "string" || values.length === 0 || !names.every((name) => typeof name === "string"))
    throw new ArgumentError(
      'records: expected for example { field: "type", 1: "open", 2: "close" }, or a list of names.',
    );
  return { names: names as string[], tags: { field, values } };
}

/** The number that stands in the field; a label of its enum is one, too. */
function tagValue({ name, layout }: RecordType, field: string, value: string): Tag["values"][number] {
  const found = flatten(layout).find((one) => one.name === field)?.layout;
  const size = found?.size ?? 8;
  const label = found?.kind === "enum" ? found.values.find((one) => one.name === value)?.value : undefined;
  if (label === undefined && !/^-?\d+$/.test(value))
    throw new ArgumentError(`records: ${value} is neither a number nor a label of ${name}.${field}.`);
  const bits = BigInt.asUintN(8 * size, BigInt(label ?? value)); // the addon compares the field's bits
  return found?.kind === "int" && found.bigEndian ? reversed(bits, size) : bits;
}

/** With its bytes the other way round. */
function reversed(value: bigint, size: number): bigint {
  return Array.from({ length: size }, (_, i) => (value >> BigInt(8 * i)) & 0xffn).reduce(
    (all, byte) => (all << 8n) | byte,
  );
}

function requireLengths(owner: string, types: readonly RecordType[], delivered: (size: number) => number): void {
  const lengths = types.map(({ layout }) => delivered(layout.size));
  const twin = types.findIndex(({ open }, i) => open || lengths.indexOf(lengths[i]!) !== i);
  if (twin < 0) return;
  throw new ArgumentError(
    `${owner}: the length of a record does not tell ${types.map(({ name }) => name).join(" and ")} apart.`,
    { hint: 'Name a field that does: records: { field: "type", 1: "open", 2: "close" }.' },
  );
}
