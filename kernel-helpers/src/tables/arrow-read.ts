/** Apache Arrow's IPC files and streams, whoever wrote them, as tables. */
import { type FileHandle } from "node:fs/promises";
import * as flechette from "@uwdata/flechette";
import { CapturedTable } from "../streams/captured-table.js";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn, type TimestampUnit } from "../streams/file-columns.js";
import type { AnyColumn } from "../streams/take.js";
import { checkedElements } from "./arrow-check.js";
import { registerArrowCodecs } from "./arrow-codecs.js";
import { arrowTable } from "./arrow-stream.js";
import { columnNotes, type FileContents, type ReadOptions } from "./file-contents.js";
import { checkMemory } from "./file-errors.js";
import { nestedNumbers } from "./nested-integers.js";
import { textColumn } from "./storable.js";
import { counted } from "./units.js";

const { Type } = flechette;

/** Reads an Arrow file that is open already. @throws whatever is wrong with it; CaptureFileError for one beyond the bound of memory */
export async function readArrow(file: FileHandle, options: ReadOptions): Promise<FileContents> {
  return arrowContents(await file.readFile(), options);
}

/** The same of the bytes of a file or a stream. */
export function arrowContents(
  { buffer, byteOffset, byteLength }: Uint8Array,
  { path, bigint, maxBytes }: ReadOptions,
): FileContents {
  registerArrowCodecs();
  const isAligned = byteOffset % 8 === 0;
  const bytes = new Uint8Array(isAligned ? buffer : buffer.slice(byteOffset), isAligned ? byteOffset : 0, byteLength);
  const arrow = arrowTable(bytes);
  if (arrow.schema.endianness === flechette.Endianness.Big)
    throw new Error("numbers whose highest byte comes first are unsupported"); // flechette would take them for others
  for (const [i, name] of arrow.names.entries()) {
    const { length } = arrow.getChildAt(i);
    if (length !== arrow.numRows)
      throw new Error(`it claims ${counted(arrow.numRows, "row")}, and column ${name} has ${counted(length, "value")}`);
  }
  const elements = arrow.names.reduce((sum, _, i) => sum + checkedElements(arrow.getChildAt(i)), 0);
  const claim = { path, fileBytes: byteLength, rows: arrow.numRows, columns: arrow.numCols };
  checkMemory({ ...claim, bytes: Math.max(elements, arrow.numRows * arrow.numCols) * 8 }, maxBytes);
  const metadata = Object.fromEntries(arrow.schema.metadata ?? []);
  const notes = columnNotes(metadata, bigint);
  const columns = arrow.names.map((name, i) => [name, columnOf(arrow.getChildAt(i), notes.bigint.has(name))] as const);
  return { table: new CapturedTable(Object.fromEntries(columns) as never, [...arrow.names] as never), metadata };
}

interface ArrowType {
  typeId: number;
  unit: number;
  bitWidth: number;
  signed: boolean;
  precision: number;
  timezone: string | null;
  stride: number;
  dictionary: ArrowType;
}

interface ArrowBatch {
  length: number;
  nullCount: number;
  validity: Uint8Array;
  values: NodeJS.TypedArray;
  children: ArrowBatch[];
  type: ArrowType;
}

/** A column of the kind that its type says. */
function columnOf(column: flechette.Column<any>, bigint: boolean): AnyColumn {
  const type = column.type as unknown as ArrowType;
  const batches = column.data as unknown as ArrowBatch[];
  const found = plainColumn(type, batches, column.length, bigint);
  if (!found) {
    if (isText(type)) return textColumn(column.toArray() as (string | null)[]);
    return Array.from(column.toArray() as ArrayLike<unknown>, bigint ? (value) => value : nestedNumbers);
  }
  if (column.nullCount === 0) return found;
  return new NullableColumn(found, validBytes(batches, column.length));
}

const isText = ({ typeId }: ArrowType) => ([Type.Utf8, Type.LargeUtf8, Type.Utf8View] as number[]).includes(typeId);

/** Of types whose values lie in memory as ours do; undefined for others. */
function plainColumn(
  type: ArrowType,
  batches: readonly ArrowBatch[],
  length: number,
  bigint: boolean,
): AnyColumn | undefined {
  switch (type.typeId) {
    case Type.Int: {
      const values = joined(batches, length, numbersOf(type));
      return type.bitWidth === 64 && !bigint
        ? new Int64Column(values as unknown as BigInt64Array)
        : (values as unknown as AnyColumn);
    }
    case Type.Float:
      if (type.precision === flechette.Precision.HALF) return undefined;
      return joined(
        batches,
        length,
        type.precision === flechette.Precision.SINGLE ? Float32Array : Float64Array,
      ) as unknown as AnyColumn;
    case Type.Bool:
      return new BooleanColumn(spread(batches, length, ({ values }) => values as Uint8Array));
    case Type.Timestamp: {
      const values = joined(batches, length, BigInt64Array) as unknown as BigInt64Array;
      return new TimestampColumn(values, units[type.unit]!, type.timezone !== null);
    }
    case Type.Date: {
      const isDay = type.unit === flechette.DateUnit.DAY;
      const values = joined(batches, length, isDay ? Int32Array : BigInt64Array);
      return isDay
        ? new TimestampColumn(BigInt64Array.from(values as unknown as Int32Array, BigInt), "day", false)
        : new TimestampColumn(values as unknown as BigInt64Array, "ms", false);
    }
    case Type.Dictionary:
      return isText(type.dictionary) ? dictionaryColumn(batches, length) : undefined;
    case Type.FixedSizeList: {
      if (batches.some(({ nullCount }) => nullCount > 0)) return undefined;
      const elements = batches.flatMap(({ children }) => children);
      if (elements.length === 0 || elements.some(({ nullCount }) => nullCount > 0)) return undefined;
      const values = plainColumn(elements[0]!.type, elements, length * type.stride, bigint);
      return values && new ListColumn(values as never, type.stride);
    }
    default:
      return undefined;
  }
}

const units: TimestampUnit[] = ["s", "ms", "us", "ns"];

function numbersOf({ bitWidth, signed }: ArrowType): new (length: number) => NodeJS.TypedArray {
  switch (bitWidth) {
    case 8:
      return signed ? Int8Array : Uint8Array;
    case 16:
      return signed ? Int16Array : Uint16Array;
    case 32:
      return signed ? Int32Array : Uint32Array;
    default:
      return signed ? BigInt64Array : BigUint64Array;
  }
}

/** The batches' values one after the other: the file's own memory where there is one batch. */
function joined(
  batches: readonly ArrowBatch[],
  length: number,
  array: new (length: number) => NodeJS.TypedArray,
): NodeJS.TypedArray {
  const parts = batches.map(({ values, length }) => (values as Uint32Array).subarray(0, length));
  if (parts.length === 1 && parts[0] instanceof array) return parts[0];
  const all = new array(length) as Uint32Array;
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  if (at !== length) throw new Error(`it holds ${at} values of a column and claims ${length}`);
  return all;
}

/** A byte for each bit. */
function spread(
  batches: readonly ArrowBatch[],
  length: number,
  bitsOf: (batch: ArrowBatch) => Uint8Array | undefined,
): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const batch of batches) {
    const bits = bitsOf(batch);
    for (let i = 0; i < batch.length; i++) all[at + i] = bits ? (bits[i >> 3]! >> (i & 7)) & 1 : 1;
    at += batch.length;
  }
  return all;
}

const validBytes = (batches: readonly ArrowBatch[], length: number) =>
  spread(batches, length, ({ validity, nullCount }) => (nullCount > 0 ? validity : undefined));

/** Text that is coded in the file already. A string that its dictionary holds twice gets one code, and null none. */
function dictionaryColumn(batches: readonly ArrowBatch[], length: number): AnyColumn | undefined {
  const codes = new Uint32Array(length);
  const known = new Map<string, number>();
  const codesOf = new Map<unknown, Uint32Array>();
  let at = 0;
  for (const batch of batches) {
    const { dictionary } = batch as ArrowBatch & { dictionary: flechette.Column<string | null> };
    if (dictionary.nullCount > 0) return undefined;
    let recoded = codesOf.get(dictionary);
    if (!recoded) {
      recoded = Uint32Array.from(
        dictionary as Iterable<string>,
        (word) => known.get(word) ?? (known.set(word, known.size), known.size - 1),
      );
      codesOf.set(dictionary, recoded);
    }
    for (let i = 0; i < batch.length; i++) codes[at + i] = recoded[Number(batch.values[i])] ?? 0;
    at += batch.length;
  }
  return new DictionaryColumn(codes, [...known.keys()]);
}
