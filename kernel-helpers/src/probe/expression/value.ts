import type { Type } from "../value-types.js";

/** What can have a value that is none of its type's: 1 null, 2 NaN, 3 Infinity, 4 -Infinity, and 0 for an ordinary one. */
export interface Special {
  code: string;
  /** Whether it may be NaN or an infinity, which only a division by zero makes. */
  infinite: boolean;
}

/** Where text comes from: it is compared, copied into a record, or looked at, each without a copy between. */
export type TextSource =
  | { from: "literal"; value: string }
  /** An array that C can read byte by byte. */
  | { from: "array"; code: string; size: number }
  /** The current thread's name. */
  | { from: "comm" }
  /** What a pointer leads to. */
  | { from: "kernel" | "user"; code: string; size: number }
  /** An array inside of a kernel struct, reached by pointers. */
  | { from: "core"; root: string; steps: readonly string[]; size: number }
  | { from: "choice"; test: string; then: TextSource; else: TextSource };

/** A struct or pointer in the kernel, on the way to a member. */
export interface Place {
  root: string;
  /** Members from one pointer to the next. */
  steps: readonly string[];
}

/** An expression in C. If it can be special, `code` is 0 whenever it is. */
export interface Value {
  type: Type;
  /** An expression that binds as tightly as a name or a call. */
  code: string;
  special?: Special;
  /** Known when compiling. */
  constant?: bigint;
  text?: TextSource;
  place?: Place;
}

/** Most bytes that a text takes, its NUL included. */
export function sizeOfText(source: TextSource): number {
  switch (source.from) {
    case "literal":
      return Buffer.byteLength(source.value) + 1;
    case "comm":
      return 16;
    case "choice":
      return Math.max(sizeOfText(source.then), sizeOfText(source.else));
    default:
      return source.size;
  }
}

/** A text as a value. */
export function textValue(source: TextSource): Value {
  return { type: { kind: "text", size: sizeOfText(source) }, code: "", text: source };
}
