// What an expression's value may be. Numbers carry the range they can have, so that signs and widths come out as
// JavaScript has them, where C would convert silently.

/** Names of an integer's values: an enum's, the system calls', the error numbers'. */
export interface Names {
  /** What it is, for messages: `enum pid_type`, `system call`. */
  what: string;
  nameOf(value: number): string;
  valueOf(name: string): number | undefined;
  all(): string[];
}

export type Type =
  /** `networkOrder`: so many bits as they travel, the highest byte first; they are turned round where they are read. */
  | { kind: "int"; low: bigint; high: bigint; networkOrder?: 16 | 64 }
  | { kind: "bool" }
  /** Text of at most `size` bytes, the NUL included. */
  | { kind: "text"; size: number }
  /** An integer that is shown as text. */
  | { kind: "named"; names: Names; size: 1 | 2 | 4 | 8; signed: boolean }
  | { kind: "address6" }
  /** `atEntry`: taken where a function has just been entered. */
  | { kind: "stack"; of: "kernel" | "user"; atEntry?: boolean }
  /** A pointer to a kernel struct, or to anything else. */
  | { kind: "pointer"; to: number; user: boolean; direct: boolean }
  /** A struct or union inside of another, which has members but no value. */
  | { kind: "struct"; of: number }
  | { kind: "array"; element: Type; length: number; elementSize: number }
  | { kind: "null" };

/** The integer type of so many bytes. */
export function integer(size: number, signed: boolean): Type & { kind: "int" } {
  const bits = BigInt(size * 8);
  return signed
    ? { kind: "int", low: -(1n << (bits - 1n)), high: (1n << (bits - 1n)) - 1n }
    : { kind: "int", low: 0n, high: (1n << bits) - 1n };
}

export const HIGHEST_SIGNED = (1n << 63n) - 1n;
export const LOWEST_SIGNED = -(1n << 63n);
export const HIGHEST_UNSIGNED = (1n << 64n) - 1n;

/** A range as 64 bits can hold it: what fits in neither kind wraps round as a signed number. */
export function ranged(low: bigint, high: bigint): Type & { kind: "int" } {
  if (low >= LOWEST_SIGNED && high <= HIGHEST_SIGNED) return { kind: "int", low, high };
  if (low >= 0n) return { kind: "int", low, high: high > HIGHEST_UNSIGNED ? HIGHEST_UNSIGNED : high };
  return { kind: "int", low: LOWEST_SIGNED, high: HIGHEST_SIGNED };
}

/** True for numbers that only an unsigned 64-bit integer holds. */
export function isWide(type: Type & { kind: "int" }): boolean {
  return type.high > HIGHEST_SIGNED;
}

/** The C type that an expression of these numbers has. */
export function cTypeOf(type: Type & { kind: "int" }): "__s64" | "__u64" {
  return isWide(type) ? "__u64" : "__s64";
}

/** The smallest C type that holds these numbers in a record, and its size. */
export function storedAs({ low, high }: Type & { kind: "int" }): { c: string; size: number } {
  for (const size of [1, 2, 4, 8]) {
    for (const signed of [false, true]) {
      const all = integer(size, signed);
      if (low >= all.low && high <= all.high) return { c: `__${signed ? "s" : "u"}${size * 8}`, size };
    }
  }
  return { c: "__s64", size: 8 };
}

/** A type as messages call it. */
export function nameOfType(type: Type): string {
  switch (type.kind) {
    case "int":
      return "a number";
    case "bool":
      return "true or false";
    case "text":
      return "text";
    case "named":
      return `the name of ${/^[aeiou]/.test(type.names.what) ? "an" : "a"} ${type.names.what}`;
    case "address6":
      return "an address";
    case "stack":
      return `a ${type.of} stack`;
    case "pointer":
      return "a pointer";
    case "struct":
      return "a struct";
    case "array":
      return "an array";
    case "null":
      return "null";
  }
}
