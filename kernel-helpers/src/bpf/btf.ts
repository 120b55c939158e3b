import type { BtfType } from "../base/native.js";
import { BpflabError } from "../base/errors.js";
import { requireSound, TRANSPARENT } from "./btf-check.js";

/** One field of a struct or union; anonymous members are already resolved into their fields. */
export interface Field {
  name: string;
  /** Bytes from the start of the struct. */
  offset: number;
  /** Set for bit fields: bits from `offset`, and how many. */
  bits?: { offset: number; size: number };
  /** How the values of several CPUs become one; without it they are added. */
  combine?: Combine;
  layout: Layout;
}

/** What COMBINE(…) of bpflab.h may say of a field. */
export type Combine = "sum" | "min" | "max";

/** How a value lies in memory, resolved from BTF: typedefs and qualifiers are gone. */
export type Layout =
  /** `bigEndian`: in network byte order, as `__be16` says; read and written as the number that it means. */
  | { kind: "int"; size: number; signed: boolean; bigEndian?: true }
  | { kind: "bool"; size: number }
  | { kind: "float"; size: number }
  | { kind: "enum"; size: number; signed: boolean; name: string; values: { name: string; value: number | bigint }[] }
  | { kind: "pointer"; size: number }
  /** `char[N]`: text up to the first NUL. */
  | { kind: "text"; size: number }
  /** An address as text: `__be32`, unless its field's name says otherwise, and `struct in_addr` (4 bytes), `struct in6_addr` (16, IPv4 in it as IPv6 maps it). */
  | { kind: "address"; size: number }
  /** What nothing is known of but its size. */
  | { kind: "bytes"; size: number }
  | { kind: "array"; size: number; element: Layout; length: number }
  | { kind: "struct"; size: number; name: string; fields: Field[] };

/** The kernel's typedefs that say more than their size: ports and addresses as they travel. */
const meanings: Record<string, Layout> = {
  __be16: { kind: "int", size: 2, signed: false, bigEndian: true },
  __be32: { kind: "address", size: 4 },
  __be64: { kind: "int", size: 8, signed: false, bigEndian: true },
};

/**
 * Fields that are `__be32` and no addresses, by the words in their names: sequence numbers and other numbers of protocol
 * headers (of TCP, ESP, VXLAN, GRE, GTP, MPLS and IPv6's flow labels), marks and such.
 */
const numbers =
  /(^|_)(seq|ack|seqno|no|nr|num|number|spi|vni|vx|teid|tunid|label|lbl|flow|flowlabel|flowinfo|flags?|mark|magic|cookie|xid|id|ident|csum|crc|hash|ts|time|timestamp|tsval|tsecr|ecr|len|length|size|bytes|count|word|options?|entry|version|proto|port|ports)\d*(_|$)/i;

/** One variable of a data section. */
export interface Variable {
  name: string;
  /** Bytes from the start of the section. */
  offset: number;
  layout: Layout;
}

/**
 * The types of one BPF object. Layouts are resolved on demand: an object that touches
 * `task_struct` names thousands of kernel types and needs a handful.
 */
export class Btf {
  readonly #types: BtfType[];

  /** @throws BpflabError for types that no compiler writes */
  constructor(types: BtfType[]) {
    requireSound(types);
    this.#types = types;
  }

  /** The type by its BTF id. */
  #at(id: number): BtfType {
    const type = this.#types[id];
    if (!type)
      throw new BpflabError("DAMAGED_TYPES", `The types (BTF) of this object are damaged: there is no type ${id}.`);
    return type;
  }

  /** Follows typedefs, qualifiers and tags. */
  #strip(id: number): BtfType {
    let type = this.#at(id);
    while (TRANSPARENT.includes(type.kind)) type = this.#at(type.type!);
    return type;
  }

  /** What a typedef on the way to a type says of its meaning. */
  #meaning(id: number): Layout | undefined {
    for (let type = this.#at(id); TRANSPARENT.includes(type.kind);) {
      const known = type.kind === "typedef" ? meanings[type.name] : undefined;
      if (known) return known;
      type = this.#at(type.type!);
    }
    return undefined;
  }

  /** The layout of a type by its id; undefined for void and for types that are only declared. */
  layout(id: number): Layout | undefined {
    if (!this.#layouts.has(id)) this.#layouts.set(id, this.#resolve(id));
    return this.#layouts.get(id);
  }

  /** Each once: a type may be in many others. */
  readonly #layouts = new Map<number, Layout | undefined>();

  #resolve(id: number): Layout | undefined {
    const meaning = this.#meaning(id);
    if (meaning) return meaning;
    const type = this.#strip(id);
    switch (type.kind) {
      case "int":
        return type.bool ? { kind: "bool", size: type.size! } : { kind: "int", size: type.size!, signed: type.signed! };
      case "float":
        return { kind: "float", size: type.size! };
      case "enum":
        // clang before 15 keeps only half of the values of an enum of 8 bytes: labels would be wrong, and 0 for most.
        if (type.size === 8) return { kind: "int", size: 8, signed: type.signed! };
        return enumOf(type);
      case "enum64":
        return enumOf(type);
      case "ptr":
        return { kind: "pointer", size: 8 };
      case "array": {
        const element = this.layout(type.type!);
        if (!element) return undefined;
        const length = type.length!;
        // clang does not mark char in the encoding: its name tells it from a number of one byte.
        if (this.#strip(type.type!).name === "char") return { kind: "text", size: length };
        // An IPv6 address in words, as headers and context structs have it.
        if (element === meanings["__be32"] && length === 4) return { kind: "address", size: 16 };
        return { kind: "array", size: element.size * length, element, length };
      }
      case "struct":
      case "union":
        if (type.name === "in6_addr" || type.name === "in_addr") return { kind: "address", size: type.size! };
        return { kind: "struct", size: type.size!, name: type.name, fields: this.#fields(type, 0) };
      case "datasec":
        return { kind: "struct", size: type.size!, name: type.name, fields: this.section(type.name) };
      default:
        return undefined;
    }
  }

  #fields(type: BtfType, bitBase: number): Field[] {
    return type.members!.flatMap((member, index): Field[] => {
      const bit = bitBase + member.bitOffset;
      const inner = this.#strip(member.type);
      if (!member.name && inner.members) return this.#fields(inner, bit);
      const said = this.layout(member.type);
      if (!said || !member.name) return [];
      const layout = byName(said, member.name);
      const offset = Math.floor(bit / 8);
      const isWhole = bit % 8 === 0 && member.bitSize === layout.size * 8; // `__u64 x:64` is as good as no bit field
      const bits = member.bitSize && !isWhole ? { bits: { offset: bit % 8, size: member.bitSize } } : {};
      const combine = this.#combines(type).get(index);
      return [{ name: member.name, offset, ...bits, ...(combine ? { combine } : {}), layout }];
    });
  }

  #tags: Map<BtfType, Map<number, Combine>> | undefined;

  /** What the members of a struct are tagged with: BTF keeps tags apart, by the member's index. */
  #combines(struct: BtfType): Map<number, Combine> {
    if (!this.#tags) {
      this.#tags = new Map();
      for (const { kind, name, type, component } of this.#types) {
        const combine = /^combine:(sum|min|max)$/.exec(name)?.[1] as Combine | undefined;
        if (kind !== "decl_tag" || !combine) continue;
        const owner = this.#at(type!);
        this.#tags.set(owner, (this.#tags.get(owner) ?? new Map<number, Combine>()).set(component!, combine));
      }
    }
    return this.#tags.get(struct) ?? new Map<number, Combine>();
  }

  /** The variables of a data section such as `.bss`, in the order of their offsets. */
  section(name: string): Variable[] {
    const section = this.#types.find((t) => t.kind === "datasec" && t.name === name);
    return (section?.variables ?? [])
      .flatMap(({ type, offset }) => {
        const said = this.layout(type);
        const { name } = this.#at(type);
        return said ? [{ name, offset, layout: byName(said, name) }] : [];
      })
      .sort((a, b) => a.offset - b.offset);
  }

  /** What a global pointer variable points to, which is how a ring buffer's record is named. */
  pointee(variable: string): Layout | undefined {
    const found = this.#types.find((t) => t.kind === "var" && t.name === variable);
    if (!found) return undefined;
    const pointer = this.#strip(found.type!);
    return pointer.kind === "ptr" ? this.layout(pointer.type!) : undefined;
  }

  /** The type that a map's definition gives with __type(key, …) or __type(value, …). */
  mapPart(map: string, part: "key" | "value"): Layout | undefined {
    const found = this.#types.find((t) => t.kind === "var" && t.name === map);
    const member = found && this.#strip(found.type!).members?.find((m) => m.name === part);
    const pointer = member && this.#strip(member.type);
    return pointer?.kind === "ptr" ? this.layout(pointer.type!) : undefined;
  }

  /** A struct, union, enum, integer or typedef by its name. */
  type(name: string): Layout | undefined {
    const id = this.#types.findIndex((t) => named.includes(t.kind) && t.name === name);
    return id > 0 ? this.layout(id) : undefined;
  }

  /** What the program calls a type: the nearest name on the way to it. */
  typeName(id: number | undefined): string | undefined {
    let type = id === undefined ? undefined : this.#at(id);
    while (type && !type.name && TRANSPARENT.includes(type.kind)) type = this.#at(type.type!);
    return type?.name || undefined;
  }
}

const networkNumber: Layout = { kind: "int", size: 4, signed: false, bigEndian: true };

/** The layout of a field, of which its name may say that a `__be32` is a number, or the `__be32` of an array. */
function byName(layout: Layout, name: string): Layout {
  if (!numbers.test(name)) return layout;
  if (layout === meanings["__be32"]) return networkNumber;
  if (layout.kind !== "array") return layout;
  const element = byName(layout.element, name);
  return element === layout.element ? layout : { ...layout, element };
}

function enumOf({ size, signed, name, values }: BtfType): Layout {
  return { kind: "enum", size: size!, signed: signed!, name, values: values! };
}

const named = ["struct", "union", "enum", "enum64", "typedef", "int", "float"];
