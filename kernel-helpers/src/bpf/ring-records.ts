import { native, type MapDescription } from "../base/native.js";
import { Btf, type Layout } from "./btf.js";

/** A type of record that a ring carries. */
export interface RecordType {
  /** As the program calls it, such as `event` for `struct event`. */
  name: string;
  layout: Layout;
  /** True where the last field is an array of which a record has as much as it is long. */
  open: boolean;
}

/** What an object's debug information says: types, and the calls that hand records over. */
interface DebugInfo {
  btf: Btf;
  sites: ReturnType<typeof native.find_records>["sites"];
}

/** Types of maps that carry records to user space. */
export const isRing = ({ typeName }: { typeName: string }): boolean =>
  typeName === "ringbuf" || typeName === "perf_event_array";

/** Bytes that come of so many: in a perf event array a record and its length are padded to a multiple of 8. */
export function deliveredLength(ring: string, size: number): number {
  return ring === "perf_event_array" ? Math.ceil((size + 4) / 8) * 8 - 4 : size;
}

/**
 * What the rings of an object carry. A program may say so, with RING_BUFFER or __type(value, …); of others the calls
 * that hand records over tell, by what the compiler wrote down for debuggers.
 */
export class RingRecords {
  readonly #btf: Btf;
  readonly #elf: Uint8Array | undefined;
  #found: DebugInfo | undefined;

  /** @param elf the object file; without it only what BTF says is known */
  constructor(btf: Btf, elf: Uint8Array | undefined) {
    this.#btf = btf;
    this.#elf = elf;
  }

  /** The types of a ring's records; none where nothing tells, or nothing tells them apart. */
  of(ring: Pick<MapDescription, "name" | "typeName">): RecordType[] {
    const value = this.#btf.mapPart(ring.name, "value");
    // A number as the value of a perf event array is the descriptor that the kernel wants there.
    const says = ring.typeName === "ringbuf" || value?.kind === "struct" ? value : undefined;
    const named = this.#btf.pointee(`${ring.name}_record`) ?? says;
    if (named) return [{ name: nameOf(named), layout: named, open: isFlexible(named) }];
    return this.#inferred(ring);
  }

  /** A type by its name, with or without `struct`. */
  type(name: string): RecordType | undefined {
    const plain = name.replace(/^(struct|union|enum)\s+/, "");
    const layout = this.#btf.type(plain) ?? this.#debugInfo([plain]).btf.type(plain);
    if (!layout) return undefined;
    const sizes = this.#debugInfo().sites.flatMap(({ type, size }) =>
      type !== undefined && nameOf(this.#debugInfo().btf.layout(type)) === plain ? [size] : [],
    );
    return { name: plain, layout, open: isOpen(layout, sizes) };
  }

  #debugInfo(names: string[] = []): DebugInfo {
    if (this.#found && names.length === 0) return this.#found;
    const { types, sites } = this.#elf ? native.find_records(this.#elf, names) : { types: [], sites: [] };
    const found = { btf: new Btf(types), sites };
    if (names.length === 0) this.#found = found;
    return found;
  }

  #inferred({ name, typeName }: Pick<MapDescription, "name" | "typeName">): RecordType[] {
    const { btf, sites } = this.#debugInfo();
    const own = sites.filter(({ map }) => map === name);
    // A ring that is reached through another map is named at no call.
    const calls = own.length > 0 ? own : sites.filter(({ map }) => map === "");
    const types = new Map<string, RecordType & { sizes: (number | undefined)[] }>();
    for (const { type, size } of calls) {
      const known = type === undefined ? undefined : btf.layout(type);
      const layout = known ?? (size ? ({ kind: "bytes", size } as const) : undefined);
      if (!layout) return [];
      const key = JSON.stringify(layout);
      const fresh = {
        name: btf.typeName(type) ?? nameOf(layout),
        layout,
        open: false,
        sizes: new Array<number | undefined>(),
      };
      const entry = types.get(key) ?? fresh;
      types.set(key, entry);
      entry.sizes.push(size);
    }
    const all = [...types.values()].map(({ sizes, ...type }) => ({ ...type, open: isOpen(type.layout, sizes) }));
    if (all.every(({ layout }) => layout.kind === "bytes")) return [];
    const lengths = new Set(all.map(({ layout }) => deliveredLength(typeName, layout.size)));
    return all.length === 1 || (lengths.size === all.length && !all.some(({ open }) => open)) ? all : [];
  }
}

/** What a type is called, as a column and as messages have it. */
function nameOf(layout: Layout | undefined): string {
  if (!layout) return "";
  switch (layout.kind) {
    case "struct":
    case "enum":
      return layout.name || layout.kind;
    case "int":
      return `${layout.signed ? "s" : "u"}${layout.size * 8}`;
    case "array":
    case "address":
    case "bool":
    case "bytes":
    case "float":
    case "pointer":
    case "text":
      return layout.kind;
  }
}

/** The last field of a struct, through structs that stand last. */
export function lastField(layout: Layout): Layout {
  const last = layout.kind === "struct" ? layout.fields.at(-1) : undefined;
  return last ? lastField(last.layout) : layout;
}

function isFlexible(layout: Layout): boolean {
  const last = lastField(layout);
  return layout.kind === "struct" && (last.kind === "array" || last.kind === "text") && last.size === 0;
}

/** Flexible by its type, or by the calls, which hand over more or less than the whole. */
function isOpen(layout: Layout, sizes: readonly (number | undefined)[]): boolean {
  if (isFlexible(layout)) return true;
  const last = lastField(layout);
  const endsWithArray = layout.kind === "struct" && (last.kind === "array" || last.kind === "text");
  return endsWithArray && sizes.some((size) => size !== layout.size);
}
