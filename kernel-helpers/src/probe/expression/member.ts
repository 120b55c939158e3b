import { nearest } from "../../base/names.js";
import { kernelTypes, type KernelType } from "../../bpf/kernel-btf.js";
import { kernelValue } from "../hooks/kernel-value.js";
import { integer, isWide, nameOfType, type Type } from "../value-types.js";
import { hostOrder, readNumber } from "./network-order.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import type { Placed } from "./parse.js";
import type { Place, Value } from "./value.js";

/** A member of a struct or an element of an array, in the kernel's memory or in the hook's own. */
export function member(compiler: ExpressionCompiler, of: Value, name: string | number, node: Placed): Value {
  const { type } = of;
  if (type.kind === "array" && (typeof name === "number" || /^\d+$/.test(name)))
    return element(compiler, of, type, Number(name), node);
  if (type.kind !== "pointer" && type.kind !== "struct")
    return compiler.refuse(
      node,
      `${nameOfType(type)} has no members`,
      type.kind === "text"
        ? "Compare text with ===, or use op.startswith()."
        : "Only structs and pointers to them have members.",
    );
  const btf = kernelTypes();
  const struct = btf.strip(type.kind === "pointer" ? type.to : type.of);
  if (struct.kind !== "struct" && struct.kind !== "union")
    return compiler.refuse(
      node,
      "the kernel does not say what this points to",
      type.kind === "pointer" && type.user
        ? "It points into the process, where op.str(…) reads text; lists and structs there cannot be followed."
        : "op.str(…) reads text there.",
    );
  if (type.kind === "pointer" && type.user)
    return compiler.refuse(
      node,
      "this points into the process's memory, whose structs cannot be followed",
      "op.str(…) reads text there.",
    );
  const found = typeof name === "string" ? btf.member(struct, name) : undefined;
  if (!found) {
    const near = nearest(String(name), btf.memberNames(struct));
    return compiler.refuse(
      node,
      `${struct.kind} ${struct.name || "{…}"} has no member ${JSON.stringify(String(name))}`,
      `The nearest are ${near.join(", ")}.`,
    );
  }
  const place = placeOf(of, String(name));
  const direct = type.kind === "pointer" ? type.direct : of.place?.root !== undefined && directRoot(of);
  if (found.bitSize > 0) return bitField(compiler, place, kernelValue(found.type, { direct: false }));
  const is = kernelValue(found.type, { direct });
  if (!is) return compiler.refuse(node, `the member ${name} has no value`, "Use another one.");
  return at(compiler, is, place, direct);
}

// A struct inside of another is reached as its outer one is.
const directPlaces = new WeakSet<Place>();
const directRoot = (of: Value) => directPlaces.has(of.place!);

function placeOf(of: Value, name: string): Place {
  if (!of.place) return { root: of.code, steps: [name] };
  const { root, steps } = of.place;
  if (of.type.kind === "pointer") return { root, steps: [...steps, name] };
  return { root, steps: [...steps.slice(0, -1), `${steps.at(-1)}.${name}`] };
}

/** libbpf's BPF_CORE_READ() takes nine members; text is read from the last pointer, and takes one more. */
const MOST_STEPS = 8;

/** What lies at a place, read when it has a value of its own. */
function at(compiler: ExpressionCompiler, type: Type, place: Place, direct: boolean): Value {
  if (direct) directPlaces.add(place);
  switch (type.kind) {
    case "struct":
      return { type, code: "", place };
    case "text":
      compiler.scope.include("bpf/bpf_core_read.h");
      return { type, code: "", text: { from: "core", ...place, size: type.size } };
    case "array":
    case "address6":
      compiler.scope.include("bpf/bpf_core_read.h"); // they are copied as a whole
      return { type, code: "", place };
    default: {
      const value = { type: type.kind === "int" ? hostOrder(type) : type, code: read(compiler, type, place, direct) };
      return !direct && place.steps.length >= MOST_STEPS ? value : { ...value, place };
    }
  }
}

function read(compiler: ExpressionCompiler, type: Type, place: Place, direct: boolean): string {
  if (!direct) compiler.scope.include("bpf/bpf_core_read.h");
  const code = direct
    ? [place.root, ...place.steps].join("->")
    : `BPF_CORE_READ(${[place.root, ...place.steps].join(", ")})`;
  const hint = place.steps.at(-1)!.split(".").at(-1)!;
  if (type.kind === "pointer") {
    const to: KernelType = kernelTypes().strip(type.to);
    const isStruct = (to.kind === "struct" || to.kind === "union") && to.name;
    return compiler.scope.local(hint, isStruct ? `${to.kind} ${to.name} *` : "const void *", code);
  }
  if (type.kind === "bool") return compiler.scope.local(hint, "const bool", code);
  if (type.kind !== "int") return compiler.scope.local(hint, "const __s64", code);
  return compiler.scope.local(
    hint,
    isWide(type) ? "const __u64" : "const __s64",
    readNumber(compiler.scope, type, code),
  );
}

function bitField(compiler: ExpressionCompiler, { root, steps }: Place, type: Type | undefined): Value {
  compiler.scope.include("bpf/bpf_core_read.h");
  // In a variable: clang takes no BPF_CORE_READ inside of another.
  const pointer =
    steps.length > 1
      ? compiler.scope.local("of", "__auto_type", `BPF_CORE_READ(${[root, ...steps.slice(0, -1)].join(", ")})`)
      : root;
  const is = type?.kind === "bool" || type?.kind === "named" || type?.kind === "int" ? type : integer(8, false);
  const code = compiler.scope.local(
    steps.at(-1)!.replace(/\W/g, "_"),
    is.kind === "bool" ? "const bool" : is.kind === "int" && isWide(is) ? "const __u64" : "const __s64",
    `BPF_CORE_READ_BITFIELD_PROBED(${pointer}, ${steps.at(-1)})`,
  );
  return { type: is, code };
}

function element(
  compiler: ExpressionCompiler,
  of: Value,
  type: Type & { kind: "array" },
  index: number,
  node: Placed,
): Value {
  if (index >= type.length)
    return compiler.refuse(
      node,
      `the array has ${type.length} elements, from 0 on`,
      `Write [${type.length - 1}] for the last one.`,
    );
  if (of.place) {
    const { root, steps } = of.place;
    return at(
      compiler,
      type.element,
      { root, steps: [...steps.slice(0, -1), `${steps.at(-1)}[${index}]`] },
      directRoot(of),
    );
  }
  const inner = type.element;
  const code = `${of.code}[${index}]`;
  if (inner.kind !== "int") return { type: inner, code: compiler.scope.local(`element_${index}`, "const __s64", code) };
  const c = isWide(inner) ? "const __u64" : "const __s64";
  const number = readNumber(compiler.scope, inner, code);
  return { type: hostOrder(inner), code: compiler.scope.local(`element_${index}`, c, number) };
}
