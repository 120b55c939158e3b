import type { BtfType } from "../base/native.js";
import { BpflabError } from "../base/errors.js";

/** Kinds that lead to a type and do not change how it lies in memory. */
export const TRANSPARENT = ["typedef", "const", "volatile", "restrict", "type_tag", "var"];

/** Fields that a type may come to, with those of the types in it: more than any compiler was seen to write. */
const MOST_FIELDS = 20_000;
/** Bytes of integers, enums and floating-point numbers. */
const SIZES: Record<string, number[]> = {
  int: [1, 2, 4, 8, 16],
  enum: [1, 2, 4, 8],
  enum64: [8],
  float: [2, 4, 8, 12, 16],
  in_addr: [4],
  in6_addr: [16],
};
/** Types in types. The kernel goes 32 deep. */
const DEEPEST = 256;

interface Extent {
  /** Bytes; 0 where nothing is known. */
  size: number;
  fields: number;
  depth: number;
}

/**
 * Refuses types that no compiler writes: one that contains itself, has parts outside of it, or has so many that nobody
 * could read them. The kernel and libbpf go on with an object whose types are damaged; what reads values by them
 * would not come to an end, or read what is not there.
 *
 * @throws BpflabError
 */
export function requireSound(types: readonly BtfType[]): void {
  const known = new Map<number, Extent>();
  const begun = new Set<number>();
  const nothing: Extent = { size: 0, fields: 0, depth: 0 };
  // With a list of its own instead of recursion: a hostile object may nest as deep as it is long.
  for (let id = 0; id < types.length; id++) {
    const open = [id];
    while (open.length > 0) {
      const at = open.at(-1)!;
      const type = types[at]!;
      if (known.has(at)) {
        open.pop();
        continue;
      }
      const inner = partsOf(type).filter((part) => part < types.length);
      const unknown = inner.filter((part) => !known.has(part));
      begun.add(at);
      const again = unknown.find((part) => begun.has(part));
      if (again !== undefined) throw damaged(types, again, "contains itself");
      open.push(...unknown);
      if (unknown.length > 0) continue;
      known.set(
        at,
        extentOf(types, at, (part) => known.get(part) ?? nothing),
      );
      begun.delete(at);
      open.pop();
    }
  }
}

/** The types that lie within one, as far as they matter to how it lies in memory. */
function partsOf({ kind, type, members, variables }: BtfType): number[] {
  if (members) return members.map((member) => member.type);
  if (variables) return variables.map((variable) => variable.type);
  return kind === "array" || TRANSPARENT.includes(kind) ? [type!] : [];
}

function extentOf(types: readonly BtfType[], id: number, of: (part: number) => Extent): Extent {
  const type = types[id]!;
  const parts = partsOf(type).map(of);
  // An array's bytes bound how many elements it has, unless they have none.
  const times = type.kind === "array" && parts[0]!.size === 0 ? type.length! : 1;
  const fields = 1 + times * parts.reduce((sum, part) => sum + part.fields, 0);
  const depth = 1 + Math.max(0, ...parts.map((part) => part.depth));
  if (fields > MOST_FIELDS || depth > DEEPEST) throw damaged(types, id, "has too many types in it");
  const size =
    type.kind === "ptr"
      ? 8
      : type.kind === "array"
        ? type.length! * parts[0]!.size
        : (type.size ?? parts[0]?.size ?? 0);
  const sizes = SIZES[type.kind === "struct" || type.kind === "union" ? type.name : type.kind];
  if (sizes && !sizes.includes(size)) throw damaged(types, id, `has ${size} bytes`);
  const ends = type.members?.map(({ bitOffset, bitSize }, i) => bitOffset + (bitSize || 8 * parts[i]!.size));
  if (ends?.some((end) => end > 8 * size)) throw damaged(types, id, "has fields outside of it");
  const isMemory = type.kind === "datasec" && /^\.(data|bss|rodata)/.test(type.name);
  if (isMemory && type.variables!.some(({ offset }, i) => offset + parts[i]!.size > size))
    throw damaged(types, id, "has variables outside of it");
  return { size, fields, depth };
}

function damaged(types: readonly BtfType[], id: number, what: string): BpflabError {
  const { kind, name } = types[id]!;
  return new BpflabError(
    "DAMAGED_TYPES",
    `The types (BTF) of this object are damaged: ${[kind, name].join(" ").trim()} ${what}.`,
    { hint: "Compile it again. If somebody gave it to you, do not load it anywhere." },
  );
}
