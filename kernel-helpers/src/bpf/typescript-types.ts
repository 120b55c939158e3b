import { Btf, type Layout } from "./btf.js";
import { flatten } from "./flatten.js";
import { visibleVariables } from "./globals.js";
import { native, type MapDescription, type ObjectHandle } from "../base/native.js";
import { mapLayouts } from "./map-layouts.js";
import { sectionName } from "./sections.js";
import { isRing, RingRecords } from "./ring-records.js";
import { isPerCpu } from "./per-cpu.js";

const key = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function struct(fields: readonly (readonly [string, string])[], indent: string): string {
  if (fields.length === 0) return "{}";
  const inner = `${indent}  `;
  return `{\n${fields.map(([name, type]) => `${inner}${key(name)}: ${type};\n`).join("")}${indent}}`;
}

/** The TypeScript type of a value with this layout. */
export function typeOf(layout: Layout | undefined, indent = ""): string {
  switch (layout?.kind) {
    case undefined:
      return "unknown";
    case "bool":
      return "boolean";
    case "text":
    case "address":
      return "string";
    case "bytes":
      return "Uint8Array";
    case "enum": // a value without a label is shown as its number, so any string may come
      return [...layout.values.map((v) => JSON.stringify(v.name)), "(string & {})"].join(" | ");
    case "array":
      return `Array<${typeOf(layout.element, indent)}>`;
    case "struct":
      return struct(
        layout.fields.map((f) => [f.name, typeOf(f.layout, `${indent}  `)] as const),
        indent,
      );
    case "int":
    case "float":
    case "pointer":
      return "number";
  }
}

/** The members of `ProgramTypes` for one opened object, as TypeScript source that knows the type PerCpu. */
export function declaration(
  handle: ObjectHandle,
  btf: Btf,
  elf: Uint8Array,
  indent: string,
  hints: readonly (readonly [string, string])[] = [],
): string {
  const inner = `${indent}  `;
  const maps = native.bpf_object__maps(handle);
  const own = maps.filter((m) => !m.isInternal);
  const rings = own.filter(isRing);
  const records = new RingRecords(btf, elf);
  const variables = (section: RegExp) =>
    maps
      .filter((m) => m.isInternal && section.test(sectionName(m.name)))
      .flatMap((m) =>
        visibleVariables(
          btf.section(sectionName(m.name)),
          rings.map((ring) => ring.name),
        ),
      )
      .map((v) => [v.name, typeOf(v.layout, `${inner}  `)] as const);
  const mapType = (m: MapDescription) => {
    const { key, value } = mapLayouts(btf, m);
    const one = typeOf(value, `${inner}    `);
    return struct(
      [
        ["key", typeOf(key, `${inner}    `)],
        ["value", isPerCpu(m.typeName) ? `PerCpu<${one}>` : one],
      ],
      `${inner}  `,
    );
  };
  const eventType = (ring: MapDescription) => {
    const types = records.of(ring);
    if (types.length === 0) return "{ bytes: Uint8Array }";
    const [only, ...others] = types;
    if (others.length > 0) return "Record<string, any>"; // a column may be there in the rows of some types only
    return struct(
      flatten(only!.layout).map((f) => [f.name, typeOf(f.layout)] as const),
      `${inner}  `,
    );
  };
  const globals = variables(/^\.(data|bss)/);
  return struct(
    [
      [
        "maps",
        struct(
          own.map((m) => [m.name, mapType(m)] as const),
          inner,
        ),
      ],
      [
        "globals",
        struct([...globals, ...hints.filter(([hidden]) => !globals.some(([name]) => name === hidden))], inner),
      ],
      ["constants", struct(variables(/^\.rodata/), inner)],
      [
        "programs",
        native
          .bpf_object__programs(handle)
          .map((p) => JSON.stringify(p.name))
          .join(" | ") || "never",
      ],
      [
        "events",
        struct(
          rings.map((ring) => [ring.name, eventType(ring)] as const),
          inner,
        ),
      ],
    ],
    indent,
  );
}

/**
 * The members of `ProgramTypes` for a compiled object, as TypeScript source that knows the type PerCpu.
 *
 * @param hints types of variables that are no globals: what the compiler says of an assignment to one
 */
export function typesOf(
  { elf, name }: { elf: Uint8Array; name: string },
  hints: readonly (readonly [string, string])[] = [],
  indent = "",
): string {
  const handle = native.bpf_object__open_mem(elf, name);
  try {
    return declaration(handle, new Btf(native.bpf_object__btf(handle)), elf, indent, hints);
  } finally {
    native.bpf_object__close(handle);
  }
}
