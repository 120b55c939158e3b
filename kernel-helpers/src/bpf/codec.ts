import { integerOf } from "../base/arguments.js";
import { inspect, isDeepStrictEqual } from "node:util";
import { ArgumentError } from "../base/errors.js";
import { formatAddress, parseAddress, parseIPv4 } from "./address.js";
import type { Field, Layout } from "./btf.js";
import { listNames, unknownName } from "../base/names.js";
import { decodeText, encodeText } from "./char-array.js";

// Between bytes in the kernel's layout (native byte order) and JavaScript values:
// integers ↔ number, beyond 2^53 BigInt; _Bool ↔ boolean, enum ↔ its label, char[N] ↔ string, addresses ↔ text,
// struct ↔ object, array ↔ array, what has no type ↔ Uint8Array. Pointers are numbers.
// Writing what was read gives the same bytes: all of a struct but its padding is in the value.

const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reads a value, exactly: an integer beyond 2^53 is a BigInt. */
export function decode(layout: Layout, view: DataView, at = 0): unknown {
  switch (layout.kind) {
    case "int":
      return exactInteger(readInt(view, at, layout));
    case "pointer":
      return exactInteger(view.getBigUint64(at, LITTLE));
    case "bool":
      return view.getUint8(at) !== 0;
    case "float":
      return layout.size === 4 ? view.getFloat32(at, LITTLE) : view.getFloat64(at, LITTLE);
    case "enum":
      return labelOf(layout, readInt(view, at, layout));
    case "text":
      return decodeText(bytesAt(view, at, layout.size));
    case "address":
      return formatAddress(bytesAt(view, at, layout.size));
    case "bytes":
      return bytesAt(view, at, layout.size).slice();
    case "array":
      return Array.from({ length: layout.length }, (_, i) =>
        decode(layout.element, view, at + i * layout.element.size),
      );
    case "struct":
      return Object.fromEntries(
        layout.fields.map((f) => [f.name, f.bits ? readBits(view, at, f) : decode(f.layout, view, at + f.offset)]),
      );
  }
}

function bytesAt(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size);
}

/** The number, or the BigInt itself where a number could not tell it from its neighbours. */
export function exactInteger(value: number | bigint): number | bigint {
  if (typeof value === "number") return value;
  return value >= -MOST_EXACT && value <= MOST_EXACT ? Number(value) : value;
}

const MOST_EXACT = 2n ** 53n;

type Enum = Layout & { kind: "enum" };

function labelOf(layout: Enum, value: number | bigint): string {
  // A label's value may be a number or, beyond 2^53, a BigInt.
  return layout.values.find((v) => v.value == value)?.name ?? String(value); // a number equals a BigInt
}

type Integer = { size: number; signed: boolean; bigEndian?: true };

function readInt(view: DataView, at: number, { size, signed, bigEndian }: Integer): number | bigint {
  const order = bigEndian ? false : LITTLE;
  switch (size) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, order) : view.getUint16(at, order);
    case 4:
      return signed ? view.getInt32(at, order) : view.getUint32(at, order);
    case 8:
      return signed ? view.getBigInt64(at, order) : view.getBigUint64(at, order);
    case 16: {
      const [low, high] = order ? [at, at + 8] : [at + 8, at];
      const raw = (view.getBigUint64(high, order) << 64n) | view.getBigUint64(low, order);
      return signed ? BigInt.asIntN(128, raw) : raw;
    }
    default:
      throw new RangeError(`integers of ${size} bytes cannot be read`);
  }
}

function bitsAt(
  view: DataView,
  at: number,
  field: Field,
): { word: bigint; bytes: number; shift: bigint; mask: bigint } {
  const count = Math.ceil((field.bits!.offset + field.bits!.size) / 8);
  let word = 0n;
  for (let i = count - 1; i >= 0; i--) word = (word << 8n) | BigInt(view.getUint8(at + field.offset + i));
  return { word, bytes: count, shift: BigInt(field.bits!.offset), mask: (1n << BigInt(field.bits!.size)) - 1n };
}

function readBits(view: DataView, at: number, field: Field): unknown {
  const { layout } = field;
  const { word, shift, mask } = bitsAt(view, at, field);
  const raw = (word >> shift) & mask;
  const value = exactInteger(isSigned(layout) ? BigInt.asIntN(field.bits!.size, raw) : raw);
  if (layout.kind === "bool") return value !== 0;
  return layout.kind === "enum" ? labelOf({ ...layout, values: labelsInBits(layout, field.bits!.size) }, value) : value;
}

/** The labels of an enum in a bit field: of a value that is negative there is only the end. */
export function labelsInBits({ values, signed }: Enum, bits: number): Enum["values"] {
  const inBits = signed ? BigInt.asIntN : BigInt.asUintN;
  return values.map(({ name, value }) => ({ name, value: exactInteger(inBits(bits, BigInt(value))) }));
}

function isSigned(layout: Layout): boolean {
  return (layout.kind === "int" || layout.kind === "enum") && layout.signed;
}

/**
 * Bytes of a value, zero where nothing was given.
 *
 * @param path what errors call the value, such as `match_map value`
 * @throws ArgumentError that names the field and its range
 */
export function encode(layout: Layout, value: unknown, path: string): Buffer {
  const buffer = Buffer.alloc(layout.size);
  write(layout, value, new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0, path);
  return buffer;
}

function write(layout: Layout, value: unknown, view: DataView, at: number, path: string): void {
  switch (layout.kind) {
    case "int":
      return writeInt(view, at, layout, integer(value, layout.size * 8, layout.signed, path));
    case "pointer":
      return view.setBigUint64(at, integer(value, 64, false, path), LITTLE);
    case "bool":
      return view.setUint8(at, flag(value, path));
    case "float":
      if (typeof value !== "number") throw mismatch(path, "a number", value);
      return layout.size === 4 ? view.setFloat32(at, value, LITTLE) : view.setFloat64(at, value, LITTLE);
    case "enum":
      return writeInt(view, at, layout, integer(valueOf(layout, value, path), layout.size * 8, layout.signed, path));
    case "text": {
      if (typeof value !== "string") throw mismatch(path, "a string", value);
      const encoded = encodeText(value);
      if (encoded.length > layout.size) throw mismatch(path, `a string of at most ${layout.size} bytes`, value);
      return encoded.forEach((byte, i) => view.setUint8(at + i, byte));
    }
    case "address":
      return (layout.size === 4 ? parseIPv4(value, path) : parseAddress(value, path)).forEach((byte, i) =>
        view.setUint8(at + i, byte),
      );
    case "bytes":
      if (!(value instanceof Uint8Array) || value.length !== layout.size)
        throw mismatch(path, `a Uint8Array of ${layout.size} bytes`, value);
      return value.forEach((byte, i) => view.setUint8(at + i, byte));
    case "array":
      if (!Array.isArray(value) || value.length !== layout.length)
        throw mismatch(path, `an array of ${layout.length}`, value);
      return value.forEach((item, i) =>
        write(layout.element, item, view, at + i * layout.element.size, `${path}[${i}]`),
      );
    case "struct": {
      if (value === null || typeof value !== "object" || Array.isArray(value))
        throw mismatch(path, `an object with ${layout.fields.map((f) => f.name).join(", ")}`, value);
      const given: [Field, unknown][] = [];
      for (const [name, item] of Object.entries(value)) {
        const field = layout.fields.find((f) => f.name === name);
        if (!field)
          throw unknownName(
            "field",
            path,
            name,
            layout.fields.map((f) => f.name),
          );
        given.push([field, item]);
      }
      if (given.length > 1 && hasUnion(layout)) return writeUnion(given, view, at, path);
      for (const [field, item] of given) writeField(field, item, view, at, path);
    }
  }
}

function writeField(field: Field, value: unknown, view: DataView, at: number, path: string): void {
  if (field.bits) writeBits(view, at, field, value, `${path}.${field.name}`);
  else write(field.layout, value, view, at + field.offset, `${path}.${field.name}`);
}

const readField = (field: Field, view: DataView, at: number) =>
  field.bits ? readBits(view, at, field) : decode(field.layout, view, at + field.offset);

/** True for what reads as a value that, written, gives the same bits. */
const keepsBits = (layout: Layout) => layout.kind !== "float" && layout.kind !== "bool";

/** True where some fields share memory. */
function hasUnion(layout: Layout & { kind: "struct" }): boolean {
  const before = unions.get(layout);
  if (before !== undefined) return before;
  const sorted = [...layout.fields].sort((a, b) => startOf(a) - startOf(b));
  const found = sorted.some((field, i) => i > 0 && startOf(field) < endOf(sorted[i - 1]!));
  unions.set(layout, found);
  return found;
}

const unions = new WeakMap<Layout, boolean>();

const startOf = ({ offset, bits }: Field) => offset * 8 + (bits?.offset ?? 0);
const endOf = (field: Field) => startOf(field) + (field.bits?.size ?? field.layout.size * 8);

/**
 * What was given for fields that share memory has to be the same thing said twice, as reading gives it: with one of them
 * changed, one change or the other would be lost.
 */
function writeUnion(given: readonly [Field, unknown][], view: DataView, at: number, path: string): void {
  // What does not keep every bit, such as a NaN, comes first: where it shares memory with what does, that decides.
  for (const keeping of [false, true])
    for (const [field, value] of given)
      if (keepsBits(field.layout) === keeping) writeField(field, value, view, at, path);
  for (const [field, value] of given) {
    const alone = new DataView(new ArrayBuffer(view.byteLength - at));
    writeField(field, value, alone, 0, path);
    if (isDeepStrictEqual(readField(field, alone, 0), readField(field, view, at))) continue;
    const others = given.filter(([other]) => other !== field && overlap(field, other)).map(([{ name }]) => name);
    throw new ArgumentError(
      `${path}: ${field.name} and ${listNames(others)} share memory (a union), and what they are given differs.`,
      { hint: `Give ${field.name} alone, or ${others.length > 1 ? "the others" : listNames(others)}.` },
    );
  }
}

function overlap(a: Field, b: Field): boolean {
  return startOf(a) < endOf(b) && startOf(b) < endOf(a);
}

function flag(value: unknown, path: string): 0 | 1 {
  if (typeof value !== "boolean") throw mismatch(path, "true or false", value);
  return value ? 1 : 0;
}

/** The number behind a label; a value that has no label is its number as text, as reading gives it. */
function valueOf(layout: Enum, value: unknown, path: string): unknown {
  const named = layout.values.find((v) => v.name === value);
  if (named) return named.value;
  if (typeof value !== "string") return value;
  if (/^-?\d+$/.test(value)) return BigInt(value);
  throw mismatch(path, `one of ${layout.values.map((v) => v.name).join(", ")}`, value);
}

function integer(value: unknown, bits: number, signed: boolean, path: string): bigint {
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const given = integerOf(value);
  if (given === undefined || given < low || given > high)
    throw mismatch(path, `an integer from ${low} to ${high}`, value);
  return given;
}

function writeInt(view: DataView, at: number, { size, bigEndian }: Integer, value: bigint): void {
  const raw = BigInt.asUintN(size * 8, value);
  const order = bigEndian ? false : LITTLE;
  switch (size) {
    case 1:
      return view.setUint8(at, Number(raw));
    case 2:
      return view.setUint16(at, Number(raw), order);
    case 4:
      return view.setUint32(at, Number(raw), order);
    case 8:
      return view.setBigUint64(at, raw, order);
    case 16:
      view.setBigUint64(order ? at : at + 8, BigInt.asUintN(64, raw), order);
      return view.setBigUint64(order ? at + 8 : at, raw >> 64n, order);
    default:
      throw new RangeError(`integers of ${size} bytes cannot be written`);
  }
}

function writeBits(view: DataView, at: number, field: Field, value: unknown, path: string): void {
  const { layout } = field;
  const number =
    layout.kind === "bool"
      ? flag(value, path)
      : layout.kind === "enum"
        ? valueOf({ ...layout, values: labelsInBits(layout, field.bits!.size) }, value, path)
        : value;
  const given = BigInt.asUintN(field.bits!.size, integer(number, field.bits!.size, isSigned(layout), path));
  const { word, bytes: count, shift, mask } = bitsAt(view, at, field);
  let whole = (word & ~(mask << shift)) | (given << shift);
  for (let i = 0; i < count; i++, whole >>= 8n) view.setUint8(at + field.offset + i, Number(whole & 0xffn));
}

function mismatch(path: string, expected: string, got: unknown): ArgumentError {
  const shown =
    typeof got === "bigint"
      ? `${got}`
      : typeof got === "string"
        ? JSON.stringify(got)
        : inspect(got, { breakLength: Infinity, depth: 1 });
  return new ArgumentError(`${path}: expected ${expected}, got ${shown.slice(0, 100)}.`);
}

/** A view over all of the bytes. */
export function viewOf(buffer: Uint8Array): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
