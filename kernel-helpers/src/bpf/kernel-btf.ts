import { readFileSync } from "node:fs";
import { KERNEL_BTF } from "../clang/locations.js";
import { MissingFeatureError } from "../base/errors.js";

/** One type of the kernel's BTF, as far as it was asked for. */
export interface KernelType {
  id: number;
  kind: string;
  name: string;
  /** Of integers, enums, structs and unions, in bytes. */
  size: number;
  /** Of integers and enums. */
  signed: boolean;
  /** What a pointer, typedef, qualifier, function or array refers to; 0 is void. */
  type: number;
  /** Of an array. */
  length: number;
  /** Of a struct or union. */
  members: { name: string; type: number; bitSize: number }[];
  /** Of an enum. */
  values: { name: string; value: number }[];
  /** Of a function's prototype. */
  params: { name: string; type: number }[];
}

const kinds = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
];

/** Bytes behind the 12 that all types have: so many, and so many more for each element. */
const tails: Record<string, readonly [number, number]> = {
  int: [4, 0],
  array: [12, 0],
  struct: [0, 12],
  union: [0, 12],
  enum: [0, 8],
  func_proto: [0, 8],
  var: [4, 0],
  datasec: [0, 12],
  decl_tag: [4, 0],
  enum64: [0, 12],
};

/**
 * The running kernel's types, read where they lie: of some 150,000 types a question needs a dozen, so
 * none is made before it is asked for. (libbpf's own reader would hand all of them over at once.)
 */
export class KernelBtf {
  readonly #bytes: Buffer;
  readonly #strings: Buffer;
  /** Where each type begins; the index is its id. */
  readonly #starts: Uint32Array;
  readonly #known = new Map<number, KernelType>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const at = (offset: number) => bytes.readUInt32LE(offset);
    const header = at(4);
    const types = header + at(8);
    this.#strings = bytes.subarray(header + at(16), header + at(16) + at(20));
    const starts: number[] = [0];
    for (let offset = types, end = types + at(12); offset < end;) {
      starts.push(offset);
      const info = at(offset + 4);
      const [once, each] = tails[kinds[(info >>> 24) & 0x1f]!] ?? [0, 0];
      offset += 12 + once + each * (info & 0xffff);
    }
    this.#starts = Uint32Array.from(starts);
  }

  /** Whether anything has this name: a type, a field, an enumerator. */
  hasName(name: string): boolean {
    return this.#strings.includes(`\0${name}\0`, 0, "latin1");
  }

  /** The type of this name and kind, if the kernel has one. */
  find(name: string, ...wanted: string[]): KernelType | undefined {
    const found = this.#strings.indexOf(`\0${name}\0`, 0, "latin1");
    if (found < 0) return undefined;
    for (let id = 1; id < this.#starts.length; id++) {
      const start = this.#starts[id]!;
      if (this.#bytes.readUInt32LE(start) !== found + 1) continue;
      if (wanted.includes(kinds[(this.#bytes.readUInt32LE(start + 4) >>> 24) & 0x1f]!)) return this.at(id);
    }
    return undefined;
  }

  /** All names of one kind, such as those of all functions. */
  names(kind: string): string[] {
    const wanted = kinds.indexOf(kind);
    const names: string[] = [];
    for (let id = 1; id < this.#starts.length; id++) {
      const start = this.#starts[id]!;
      if (((this.#bytes.readUInt32LE(start + 4) >>> 24) & 0x1f) === wanted) names.push(this.#text(start));
    }
    return names;
  }

  /** The type with this id. */
  at(id: number): KernelType {
    const known = this.#known.get(id);
    if (known) return known;
    const type = this.#read(id);
    this.#known.set(id, type);
    return type;
  }

  /** The type behind typedefs, qualifiers and tags. */
  strip(id: number): KernelType {
    let type = this.at(id);
    while (["typedef", "const", "volatile", "restrict", "type_tag"].includes(type.kind)) type = this.at(type.type);
    return type;
  }

  /** The type that a pointer leads to, stripped; undefined for what is not a pointer. */
  pointee(id: number): KernelType | undefined {
    const pointer = this.strip(id);
    return pointer.kind === "ptr" ? this.strip(pointer.type) : undefined;
  }

  /** A member of a struct or union by its name, also one of an anonymous member's. */
  member(type: KernelType, name: string): KernelType["members"][number] | undefined {
    for (const member of type.members) {
      if (member.name === name) return member;
      const inner = member.name === "" ? this.member(this.strip(member.type), name) : undefined;
      if (inner) return inner;
    }
    return undefined;
  }

  /** The names of all members, those of anonymous members included. */
  memberNames(type: KernelType): string[] {
    return type.members.flatMap(({ name, type: id }) => (name ? [name] : this.memberNames(this.strip(id))));
  }

  #text(start: number): string {
    const from = this.#bytes.readUInt32LE(start);
    return this.#strings.toString("latin1", from, this.#strings.indexOf(0, from));
  }

  #read(id: number): KernelType {
    const none = { id, name: "", size: 0, signed: false, type: 0, length: 0, members: [], values: [], params: [] };
    const start = this.#starts[id];
    if (!start) return { ...none, kind: "void" };
    const bytes = this.#bytes;
    const word = (index: number) => bytes.readUInt32LE(start + 4 * index);
    const info = word(1);
    const kind = kinds[(info >>> 24) & 0x1f]!;
    const count = info & 0xffff;
    const flag = info >>> 31 === 1;
    const each = <T>(words: number, make: (at: number) => T) =>
      Array.from({ length: count }, (_, i) => make(3 + i * words));
    const type: KernelType = { ...none, kind, name: this.#text(start) };
    switch (kind) {
      case "int":
        return { ...type, size: word(2), signed: ((word(3) >>> 24) & 1) === 1 };
      case "array":
        return { ...type, type: word(3), length: word(5) };
      case "struct":
      case "union":
        return {
          ...type,
          size: word(2),
          members: each(3, (at) => ({
            name: this.#text(start + 4 * at),
            type: word(at + 1),
            bitSize: flag ? word(at + 2) >>> 24 : 0,
          })),
        };
      case "enum":
        return {
          ...type,
          size: word(2),
          signed: flag,
          values: each(2, (at) => ({
            name: this.#text(start + 4 * at),
            value: flag ? word(at + 1) | 0 : word(at + 1),
          })),
        };
      case "enum64":
        return {
          ...type,
          size: word(2),
          signed: flag,
          values: each(3, (at) => ({
            name: this.#text(start + 4 * at),
            value: (flag ? word(at + 2) | 0 : word(at + 2)) * 2 ** 32 + word(at + 1),
          })),
        };
      case "func_proto":
        return {
          ...type,
          type: word(2),
          params: each(2, (at) => ({ name: this.#text(start + 4 * at), type: word(at + 1) })),
        };
      default:
        return { ...type, type: word(2) };
    }
  }
}

let running: KernelBtf | undefined;

/** The running kernel's. @throws MissingFeatureError when it does not describe its types */
export function kernelTypes(): KernelBtf {
  if (running) return running;
  let bytes: Buffer;
  try {
    bytes = readFileSync(KERNEL_BTF);
  } catch (cause) {
    throw new MissingFeatureError("BTF", `This kernel does not describe its types: ${KERNEL_BTF} cannot be read.`, {
      since: "5.2",
      hint: "Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distribution kernels have been since 2021.",
      cause,
    });
  }
  return (running = new KernelBtf(bytes));
}
