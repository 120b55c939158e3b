import { kernelTypes } from "../../bpf/kernel-btf.js";
import { integer, type Type } from "../value-types.js";
import { kernelValue } from "./kernel-value.js";
import type { Field } from "./hook.js";

/** One argument of a kernel function or a raw tracepoint. */
export interface Argument {
  name: string;
  /** Its BTF type. */
  type: number;
}

/** The arguments of a raw tracepoint; undefined when the kernel has none of that name. */
export function rawTracepointArguments(name: string): Argument[] | undefined {
  const btf = kernelTypes();
  const typedef = btf.find(`btf_trace_${name}`, "typedef");
  const prototype = typedef && btf.pointee(typedef.id);
  if (!prototype) return undefined;
  // The typedef has the types alone; the function that calls the programs has their names too, where BTF has it.
  const named = ["__bpf_trace_", "__probestub_", "__traceiter_"]
    .map((prefix) => btf.find(prefix + name, "func"))
    .find((func) => func !== undefined);
  const names = named ? btf.at(named.type).params.map((param) => param.name) : [];
  return prototype.params.slice(1).map(({ type }, i) => ({ type, name: names[i + 1] || `arg${i}` }));
}

/** The raw tracepoints there are. */
export function rawTracepoints(): string[] {
  return kernelTypes()
    .names("typedef")
    .flatMap((name) => /^btf_trace_(.+)$/.exec(name)?.[1] ?? []);
}

/** The arguments of a kernel function and its result (0: none); undefined when BTF has no such function. */
export function functionArguments(name: string): { params: Argument[]; result: number } | undefined {
  const btf = kernelTypes();
  const func = btf.find(name, "func");
  if (!func) return undefined;
  const prototype = btf.at(func.type);
  return {
    params: prototype.params.flatMap(({ name: param, type }, i) => (type ? { name: param || `arg${i}`, type } : [])),
    result: prototype.type,
  };
}

/** An argument as a field: read from the place where the hook's programs find it. */
export function argumentField(argument: Argument, place: string, how: { direct: boolean; user?: boolean }): Field {
  const type = kernelValue(argument.type, how) ?? integer(8, false);
  return { name: argument.name, type, about: describe(argument.type), code: cast(argument.type, type, place) };
}

// In the context all arguments take 8 bytes. A pointer gets its type back, and a number its width.
function cast(id: number, type: Type, place: string): string {
  const btf = kernelTypes();
  switch (type.kind) {
    case "pointer": {
      const to = btf.strip(type.to);
      if ((to.kind === "struct" || to.kind === "union") && to.name) return `(${to.kind} ${to.name} *)${place}`;
      return place;
    }
    case "int": {
      const { size, signed } = btf.strip(id);
      return size && size < 8 ? `(__${signed ? "s" : "u"}${size * 8})${place}` : place;
    }
    case "named":
      return `(__${type.signed ? "s" : "u"}${type.size * 8})${place}`;
    case "bool":
      return `(bool)${place}`;
    default:
      return place;
  }
}

/** A type as C writes it, for lists of fields. */
export function describe(id: number): string {
  const btf = kernelTypes();
  const type = btf.at(id);
  switch (type.kind) {
    case "void":
      return "void";
    case "ptr":
      return `${describe(type.type)} *`.replace("* *", "**");
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
      return type.kind === "const" ? `const ${describe(type.type)}` : describe(type.type);
    case "struct":
    case "union":
    case "enum":
    case "enum64":
      return `${type.kind.replace("64", "")} ${type.name || "{…}"}`;
    case "array":
      return `${describe(type.type)}[${type.length}]`;
    case "func_proto":
      return "function";
    default:
      return type.name;
  }
}
