import { ArgumentError } from "../base/errors.js";
import type { Combine, Layout } from "./btf.js";
import { decode, encode, exactInteger, viewOf } from "./codec.js";

// A per-CPU map holds a value of each key for every possible CPU, so that a program adds
// without waiting for others. The kernel hands them over side by side, each padded to 8 bytes.

/** A property that no value has. */
declare const value: unique symbol;

/** The values of a key on all possible CPUs, in the order of the CPUs' numbers. */
export interface PerCpu<Value> extends Array<Value> {
  /** Never set; tells these from arrays that are values themselves. */
  readonly [value]?: Value;
}

/** What the CPUs' values add up to. */
export type Summed<Value> = Value extends PerCpu<infer One> ? One : Value;

/** True for the kernel's types that hold a value for each CPU. */
export function isPerCpu(type: string): boolean {
  return type.includes("percpu");
}

/** Bytes from one CPU's value to the next. */
export function strideOf(value: Layout): number {
  return Math.ceil(value.size / 8) * 8;
}

export function decodePerCpu(layout: Layout, bytes: Uint8Array): unknown[] {
  const stride = strideOf(layout);
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length / stride }, (_, cpu) => decode(layout, view, cpu * stride));
}

/** @throws ArgumentError that names the field and its range, or how many values there have to be */
export function encodePerCpu(layout: Layout, values: unknown, cpus: number, path: string): Buffer {
  if (!Array.isArray(values) || values.length !== cpus) {
    throw new ArgumentError(
      `${path}: expected an array of ${cpus} values, one for each possible CPU, got ${Array.isArray(values) ? `${values.length} values` : (JSON.stringify(values) ?? String(values))}.`,
    );
  }
  const bytes = Buffer.alloc(strideOf(layout) * cpus);
  values.forEach((value, cpu) => encode(layout, value, `${path}[cpu ${cpu}]`).copy(bytes, cpu * strideOf(layout)));
  return bytes;
}

/** For each value, whether a CPU has written to it: one that is all zero is no smallest value and no name. */
export function touched(bytes: Uint8Array, stride: number): Uint8Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  const marks = new Uint8Array(bytes.length / stride);
  const each = stride / 4;
  for (let i = 0; i < marks.length; i++) {
    for (let word = i * each; word < (i + 1) * each; word++) {
      if (words[word] === 0) continue;
      marks[i] = 1;
      break;
    }
  }
  return marks;
}

/**
 * One value from those of all CPUs. Numbers are added, or the smallest or largest is taken where the
 * program says so with COMBINE; booleans are true if one is; of texts and enums the first counts that a CPU wrote.
 */
export function sumPerCpu(layout: Layout, bytes: Uint8Array): unknown {
  const marks = touched(bytes, strideOf(layout));
  const values = decodePerCpu(layout, bytes);
  const written = values.filter((_, cpu) => marks[cpu]);
  return written.length > 0 ? combineValues(layout, written) : values[0];
}

function combineValues(layout: Layout, values: unknown[], how: Combine = "sum"): unknown {
  switch (layout.kind) {
    case "int":
    case "float":
    case "pointer":
      return combineNumbers(values as (number | bigint)[], how);
    case "bool":
      return values.some(Boolean);
    case "enum":
    case "address":
    case "bytes":
      return values[0];
    case "text":
      return values.find((text) => text !== "") ?? "";
    case "array":
      return Array.from({ length: layout.length }, (_, i) =>
        combineValues(
          layout.element,
          (values as unknown[][]).map((value) => value[i]),
          how,
        ),
      );
    case "struct":
      return Object.fromEntries(
        layout.fields.map((f) => [
          f.name,
          combineValues(
            f.layout,
            (values as Record<string, unknown>[]).map((value) => value[f.name]),
            f.combine,
          ),
        ]),
      );
  }
}

/** Exact also beyond 2^53, where one of them or their sum is a BigInt. */
function combineNumbers(values: (number | bigint)[], how: Combine): number | bigint {
  if (how !== "sum")
    return values.reduce((best, value) => ((how === "min" ? value < best : value > best) ? value : best));
  if (values.every((value): value is number => typeof value === "number")) {
    const sum = values.reduce((total, value) => total + value, 0);
    if (!Number.isInteger(sum) || Number.isSafeInteger(sum)) return sum;
  }
  return values.every((value) => typeof value === "bigint" || Number.isInteger(value))
    ? exactInteger(values.reduce<bigint>((total, value) => total + BigInt(value), 0n))
    : values.reduce<number>((total, value) => total + Number(value), 0);
}
