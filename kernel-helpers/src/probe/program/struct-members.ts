import { copyTo } from "../expression/c-strings.js";
import type { Place, Value } from "../expression/value.js";
import { ranged, storedAs, type Type } from "../value-types.js";

/** The member that a process's stack has beside it: the process, whose functions it names. */
export const pidMember = (stack: string): string => `${stack}__pid`;

/** The member that a stack taken at a function's entry has beside it: where the function returns to. */
export const callerMember = (stack: string): string => `${stack}__caller`;

/** How a column lies in a struct. */
export interface Stored {
  /** Declarations of its members, by their C names. */
  members: { declaration: string; align: number }[];
  /** C statements that put a value there. */
  store(target: string, value: Value): string[];
}

/** One type for what several hooks have as one column. */
export function common(a: Type, b: Type): Type | undefined {
  if (a.kind === "int" && b.kind === "int")
    return ranged(a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high);
  if (a.kind === "text" && b.kind === "text") return a.size > b.size ? a : b;
  return a.kind === b.kind ? a : undefined;
}

/** How a column of this type is stored under a C name; undefined for what has no value of its own. */
export function stored(name: string, type: Type, special: boolean): Stored | undefined {
  const plain = plainly(name, type);
  if (!plain || !special) return plain;
  return {
    members: [...plain.members, { declaration: `__u8 ${name}_special`, align: 1 }],
    store: (target, value) => [
      ...plain.store(target, value),
      `${target}->${name}_special = ${value.special?.code ?? "0"};`,
    ],
  };
}

function plainly(name: string, type: Type): Stored | undefined {
  const assign = (target: string, { code }: Value) => [`${target}->${name} = ${code};`];
  switch (type.kind) {
    case "int": {
      const { c, size } = storedAs(type);
      return { members: [{ declaration: `${c} ${name}`, align: size }], store: assign };
    }
    case "named":
      return {
        members: [{ declaration: `__${type.signed ? "s" : "u"}${type.size * 8} ${name}`, align: type.size }],
        store: assign,
      };
    case "bool":
      return { members: [{ declaration: `bool ${name}`, align: 1 }], store: assign };
    case "stack": {
      if (type.of === "kernel") return { members: [{ declaration: `__s32 ${name}`, align: 4 }], store: assign };
      const [process, caller] = [pidMember(name), callerMember(name)];
      return {
        members: [
          { declaration: `__s32 ${name}`, align: 4 },
          { declaration: `__u32 ${process}`, align: 4 },
          ...(type.atEntry ? [{ declaration: `__u64 ${caller}`, align: 8 }] : []),
        ],
        store: (target, value) => [
          ...assign(target, value),
          `${target}->${process} = id >> 32;`,
          ...(type.atEntry ? [`${target}->${caller} = caller_of(ctx);`] : []),
        ],
      };
    }
    case "pointer":
      return {
        members: [{ declaration: `__u64 ${name}`, align: 8 }],
        store: (target, { code }) => [`${target}->${name} = (__u64)${code};`],
      };
    case "text": {
      // Aligned, so that it is copied and zeroed in words.
      const size = Math.ceil(type.size / 8) * 8;
      return {
        members: [{ declaration: `char ${name}[${size}]`, align: 8 }],
        store: (target, { text }) => copyTo(`${target}->${name}`, size, text!),
      };
    }
    case "address6":
      return {
        members: [{ declaration: `struct in6_addr ${name}`, align: 4 }],
        store: (target, value) => copyBytes(`${target}->${name}`, value, 16),
      };
    case "array": {
      const element = plainly(name, type.element);
      if (!element || type.element.kind === "text" || type.element.kind === "array") return undefined;
      const [only] = element.members;
      return {
        members: [{ declaration: `${only!.declaration}[${type.length}]`, align: only!.align }],
        store: (target, value) => copyBytes(`${target}->${name}`, value, type.length * type.elementSize),
      };
    }
    default:
      return undefined;
  }
}

function copyBytes(target: string, { code, place }: { code: string; place?: Place }, bytes: number): string[] {
  if (place) return [`BPF_CORE_READ_INTO(&${target}, ${[place.root, ...place.steps].join(", ")});`];
  return [`__builtin_memcpy(&${target}, &${code}, ${bytes});`];
}

/** Members in an order that leaves no holes. */
export function packed(members: readonly Stored["members"][number][]): string[] {
  return [...members].sort((a, b) => b.align - a.align).map(({ declaration }) => declaration);
}
