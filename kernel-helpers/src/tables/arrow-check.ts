/** Whether an Arrow file's columns are what they claim, before a value is read: a damaged one may claim any length. */
import * as flechette from "@uwdata/flechette";

const { Type } = flechette;

/** What of a batch is looked at. */
interface Parts {
  length: number;
  nullCount: number;
  validity?: Uint8Array;
  values?: ArrayLike<unknown>;
  offsets?: ArrayLike<number | bigint>;
  children?: (Parts | flechette.Column<any>)[];
  type: { typeId: number; stride?: number };
}

/**
 * The elements of a column, those within lists and structs too.
 *
 * @throws Error in words if the column claims more of them than it has, or its offsets lead out of it
 */
export function checkedElements(column: flechette.Column<any>): number {
  return (column.data as unknown as Parts[]).reduce((sum, batch) => sum + checkBatch(batch), 0);
}

function checkBatch(batch: Parts): number {
  const { length, nullCount, validity, values, offsets, children = [], type } = batch;
  const demand = (isTrue: boolean, what: string): void => {
    if (!isTrue) throw new Error(`a column claims ${length} values and has ${what}`);
  };
  demand(Number.isSafeInteger(length) && length >= 0, "no such number of them");
  demand(!(nullCount > 0) || !validity || validity.length * 8 >= length, "fewer bits for its gaps");
  const inside = children.map((child) =>
    child instanceof flechette.Column ? checkedElements(child) : checkBatch(child),
  );
  const lengthOf = (part: { length: number } | undefined) => part?.length ?? 0;
  if (offsets && isListed(type.typeId)) {
    const most = lengthOf(children.length > 0 ? children[0] : values);
    demand(length === 0 || offsets.length > length, "fewer offsets");
    let before = 0;
    for (let i = 0; i <= length && length > 0; i++) {
      const offset = Number(offsets[i]);
      demand(offset >= before && offset <= most, "offsets that lead out of it");
      before = offset;
    }
  } else if (type.typeId === Type.FixedSizeList) {
    demand(lengthOf(children[0]) >= length * (type.stride ?? 1), `${lengthOf(children[0])} elements for all of them`);
  } else if (type.typeId === Type.Struct) {
    for (const child of children) demand(child.length >= length, `${child.length} in one of its fields`);
  } else if (type.typeId === Type.Bool) {
    demand(lengthOf(values) * 8 >= length, `${lengthOf(values) * 8} of them`);
  } else if (values && isFlat(type.typeId)) {
    demand(values.length >= length, `${values.length} of them`);
  }
  return length + inside.reduce((sum, elements) => sum + elements, 0);
}

const oneOf = (...ids: number[]) => {
  const known = new Set(ids);
  return (id: number) => known.has(id);
};
const isListed = oneOf(Type.Utf8, Type.LargeUtf8, Type.Binary, Type.LargeBinary, Type.List, Type.LargeList, Type.Map);
const isFlat = oneOf(Type.Int, Type.Float, Type.Time, Type.Duration, Type.Timestamp, Type.Dictionary);

/** What of a type says which buffers a column has. */
interface Shape {
  typeId: number;
  values?: { BYTES_PER_ELEMENT: number };
  offsets?: { BYTES_PER_ELEMENT: number };
  indices?: Shape;
  stride?: number;
  children?: readonly { type: Shape }[];
}

/**
 * Whether batches hold more rows than they claim of all columns alike. Buffers are filled up to a multiple of 8 or of 64
 * bytes; what goes on for longer has rows that no one would see.
 *
 * @throws Error in words
 */
export function checkHeld(
  fields: readonly { type: unknown }[],
  batches: readonly { rows: number; buffers: readonly number[] }[],
): void {
  for (const { rows, buffers } of batches) {
    const rest = [...buffers];
    const held: number[] = [];
    for (const { type } of fields) {
      const own = heldBy(type as Shape, rest);
      if (own === "unknown") break; // nor is it known where the next column begins
      if (own !== undefined) held.push(own);
    }
    if (held.length > 0 && held.every((least) => least > rows))
      throw new Error(`it claims ${rows} rows, and its columns hold ${Math.min(...held)} or more`);
  }
}

/** Takes a column's buffers; how many values are in them at the least, undefined where they do not tell. */
function heldBy(type: Shape, buffers: number[]): number | "unknown" | undefined {
  const { typeId, children = [] } = type;
  const one = (width: number) => {
    const bytes = buffers.shift() ?? 0;
    const padding = bytes % 64 === 0 ? 63 : bytes % 8 === 0 ? 7 : 0;
    return Math.ceil(Math.max(0, bytes - padding) / width);
  };
  if (typeId === Type.Null) return undefined;
  buffers.shift(); // where there are gaps
  const inside = () => children.map((child) => heldBy(child.type, buffers)).find((held) => held === "unknown");
  if (typeId === Type.Bool) {
    const bytes = one(1);
    return bytes > 0 ? bytes * 8 - 7 : 0;
  }
  if (isFlat(typeId) || typeId === Type.Date)
    return one((typeId === Type.Dictionary ? type.indices : type)?.values?.BYTES_PER_ELEMENT ?? Infinity);
  if (isListed(typeId)) {
    const held = Math.max(0, one(type.offsets?.BYTES_PER_ELEMENT ?? Infinity) - 1);
    if (children.length === 0) buffers.shift();
    return inside() ?? held;
  }
  if (typeId === Type.FixedSizeList || typeId === Type.Struct) return inside();
  return "unknown";
}
