/** Variables of a program's C that are no globals to user space, and how each is set instead. */
import { ArgumentError } from "../base/errors.js";
import { bare } from "../clang/lint/source-text.js";

type Kind = "const volatile" | "const" | "static" | "global";

/** How the variable of a name is declared at the top of a file; undefined when none is. */
function kindOf(source: string, name: string): Kind | undefined {
  return variables(source).find((one) => one.name === name)?.kind;
}

function variables(source: string): { name: string; kind: Kind }[] {
  const text = bare(source).replace(/^[ \t]*#(?:[^\n\\]|\\[\s\S])*/gm, "");
  const found: { name: string; kind: Kind }[] = [];
  let [depth, outside] = [0, ""];
  for (const character of text) {
    if (character === "{" || character === "(") depth++;
    if (depth === 0) outside += character;
    if (character === "}" || character === ")") depth--;
    if (character === "}" && depth === 0) outside += ";"; // what stands behind a body or a type is a declaration of its own
  }
  for (const part of outside.replace(/\b(?:SEC|__attribute__|__weak|__hidden)\b/g, "").split(";")) {
    const declared = /^\s*((?:[A-Za-z_]\w*[\s*]+)+)([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:=|$)/.exec(part);
    if (!declared || /^\s*(?:typedef|extern|struct\s+\w+\s*$|enum|union)\b/.test(part)) continue;
    const words = declared[1]!.split(/[\s*]+/);
    const isConst = words.includes("const");
    const kind = words.includes("static")
      ? "static"
      : !isConst
        ? "global"
        : words.includes("volatile")
          ? "const volatile"
          : "const";
    found.push({ name: declared[2]!, kind });
  }
  return found;
}

function hintFor(kind: Kind, object: string, name: string): string | undefined {
  switch (kind) {
    case "const volatile":
      return `${name} is const volatile: it is fixed when the program is loaded. Set it there (%%bpf ${object} --constant ${name}=VALUE, or constants of bpf.load), or leave const volatile out to set it at any time.`;
    case "const":
      return `${name} is const: the compiler has put its value into the code. Leave const out to set it at any time, or write const volatile to set it when the program is loaded.`;
    case "static":
      return `${name} is static: only the C file knows it. Leave static out to set it at any time.`;
    default:
      return undefined;
  }
}

/** Why a variable of the C is not a global; undefined for a name that the C does not have. */
export function noGlobal(object: string, source: string, name: string): ArgumentError | undefined {
  const kind = kindOf(source, name);
  const hint = kind && hintFor(kind, object, name);
  if (hint) return new ArgumentError(`${object}.globals has no ${name} that can be set.`, { hint });
  return kind === "global"
    ? new ArgumentError(`${object}.globals has no ${name}, because no program of ${object} uses it.`)
    : undefined;
}

/** Why a variable of the C is no constant that can be set when it is loaded; undefined for a name that it does not have. */
export function noConstant(object: string, source: string, name: string): ArgumentError | undefined {
  const kind = kindOf(source, name);
  if (kind === undefined || kind === "const volatile") return undefined;
  const hint =
    kind === "global"
      ? `${name} is an ordinary global: set it at any time with ${object}.globals.${name} = VALUE.`
      : hintFor(kind, object, name)!;
  return new ArgumentError(`${object} has no constant ${name}.`, { hint });
}

/** For each such variable a TypeScript type that nothing can be assigned to: the compiler's message then says what to do. */
export function hintsOf(source: string, object: string): [string, string][] {
  return variables(source).flatMap(({ name, kind }) => {
    const hint = hintFor(kind, object, name);
    return hint && name !== "LICENSE" ? [[name, JSON.stringify(hint)] as [string, string]] : [];
  });
}
