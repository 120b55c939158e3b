import { kernelTypes, type KernelType } from "../../bpf/kernel-btf.js";
import { address4 } from "../addresses.js";
import { integer, type Names, type Type } from "../value-types.js";

/** Names of an enum's values. */
export function enumNames(type: Pick<KernelType, "name" | "values">): Names {
  const byValue = new Map(type.values.map(({ name, value }) => [value, name]));
  const byName = new Map(type.values.map(({ name, value }) => [name, value]));
  return {
    what: type.name ? `enum ${type.name}` : "enum",
    nameOf: (value) => byValue.get(value) ?? String(value),
    valueOf: (name) => byName.get(name),
    all: () => [...byName.keys()],
  };
}

/** Typedefs that say more than their size, as the columns of maps and streams have them: ports and addresses. */
const meanings: Record<string, Type> = {
  __be16: { ...integer(2, false), networkOrder: 16 },
  __be32: address4,
  __be64: { ...integer(8, false), networkOrder: 64 },
};

function meaningOf(id: number): Type | undefined {
  const btf = kernelTypes();
  for (let type = btf.at(id); ["typedef", "const", "volatile"].includes(type.kind); type = btf.at(type.type)) {
    const known = type.kind === "typedef" ? meanings[type.name] : undefined;
    if (known) return known;
  }
  return undefined;
}

/** How an expression sees a value of a kernel type; undefined for void and what is only declared. */
export function kernelValue(id: number, how: { direct: boolean; user?: boolean }): Type | undefined {
  const btf = kernelTypes();
  const type = btf.strip(id);
  switch (type.kind) {
    case "int":
      return meaningOf(id) ?? (type.name === "_Bool" ? { kind: "bool" } : integer(type.size, type.signed));
    case "enum":
    case "enum64":
      return { kind: "named", names: enumNames(type), size: type.size as 4, signed: type.signed };
    case "ptr":
      return { kind: "pointer", to: type.type, user: how.user ?? false, direct: how.direct };
    case "array": {
      const element = btf.strip(type.type);
      if (element.kind === "int" && element.name === "char") return { kind: "text", size: type.length };
      const inner = kernelValue(type.type, how);
      return inner && { kind: "array", element: inner, length: type.length, elementSize: sizeOf(element) };
    }
    case "struct":
    case "union":
      return type.name === "in6_addr" ? { kind: "address6" } : { kind: "struct", of: type.id };
    default:
      return undefined;
  }
}

function sizeOf(type: KernelType): number {
  if (type.kind === "ptr") return 8;
  return type.kind === "array" ? type.length * sizeOf(kernelTypes().strip(type.type)) : type.size;
}

const basic: Record<string, [number, boolean]> = {
  char: [1, true],
  "signed char": [1, true],
  "unsigned char": [1, false],
  short: [2, true],
  "unsigned short": [2, false],
  int: [4, true],
  unsigned: [4, false],
  "unsigned int": [4, false],
  long: [8, true],
  "unsigned long": [8, false],
  "long long": [8, true],
  "unsigned long long": [8, false],
};

/** The type of a field as a tracepoint's format declares it in C; undefined when that says nothing more than its size. */
export function declaredValue(declaration: string, how: { user: boolean }): Type | undefined {
  const bare = declaration
    .replace(/\b(const|volatile)\b/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  const pointer = /^(.*?) ?\*$/.exec(bare);
  if (pointer) {
    const struct = /^struct (\w+)$/.exec(pointer[1]!);
    return {
      kind: "pointer",
      to: (struct && kernelTypes().find(struct[1]!, "struct")?.id) ?? 0,
      user: how.user,
      direct: false,
    };
  }
  if (bare === "bool") return { kind: "bool" };
  const known = basic[bare];
  if (known) return integer(...known);
  const btf = kernelTypes(); // not before: reading them takes longer than most questions do
  const named = /^enum (\w+)$/.exec(bare);
  const found = named
    ? btf.find(named[1]!, "enum", "enum64")
    : /^\w+$/.test(bare)
      ? btf.find(bare, "typedef")
      : undefined;
  return found && kernelValue(found.id, { direct: false, user: how.user });
}
