/** Finds declarations in C text as kernel code is written: at the start of a line, each ending at its own brace or semicolon. */

/** The text of a name's declaration, with the comment above it; undefined when the text has none. */
export function cDeclaration(text: string, name: string): string | undefined {
  if (!text.includes(name)) return undefined;
  for (const find of [record, typedef, macro, helper, map, variableOrFunction, enumerator]) {
    const found = find(text, name);
    if (found)
      return [commentAbove(text, found.start), text.slice(found.start, found.end).trimEnd()].filter(Boolean).join("\n");
  }
  return undefined;
}

interface Span {
  start: number;
  end: number;
}

type Finder = (text: string, name: string) => Span | undefined;

/** The match, past a line break that it begins with. */
function matched(text: string, pattern: RegExp): Span | undefined {
  const match = pattern.exec(text);
  return match ? { start: match.index, end: match.index + match[0].length } : undefined;
}

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
};

/** From an opening brace to the end of the line of the one that closes it. */
function block(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return lineEnd(text, i);
  }
  return text.length;
}

const record: Finder = (text, name) => {
  const found = matched(text, new RegExp(`^(?:struct|union|enum) ${name}\\s*\\{`, "m"));
  return found && { start: found.start, end: block(text, found.end - 1) };
};

const typedef: Finder = (text, name) => {
  const plain = matched(text, new RegExp(`^typedef [^\\n{}]*\\b${name}\\b[^\\n{}]*;`, "m"));
  if (plain) return plain;
  const closing = matched(text, new RegExp(`^\\} ${name};`, "m"));
  const start = closing ? text.lastIndexOf("\ntypedef ", closing.start) + 1 : 0;
  return closing && start > 0 ? { start, end: closing.end } : undefined;
};

const macro: Finder = (text, name) =>
  matched(text, new RegExp(`^#\\s*define ${name}\\b(?:[^\\n]*\\\\\\n)*[^\\n]*`, "m"));

/** libbpf declares the kernel's helpers as pointers to functions. */
const helper: Finder = (text, name) =>
  matched(text, new RegExp(`^static [^\\n]*\\(\\*(?:const )?${name}\\)\\([^\\n]*;`, "m"));

const map: Finder = (text, name) => {
  const closing = matched(text, new RegExp(`\\} ${name} SEC\\("\\.maps"\\);`));
  const start = closing ? text.lastIndexOf("struct {", closing.start) : -1;
  return closing && start >= 0 ? { start: text.lastIndexOf("\n", start) + 1, end: closing.end } : undefined;
};

/** At the start of a line and no statement; a function without its body. */
const variableOrFunction: Finder = (text, name) =>
  matched(
    text,
    new RegExp(
      `^(?:SEC\\([^)\\n]*\\)\\s)?(?!#|return\\b|typedef\\b|(?:struct|union|enum) \\w+(?: \\{|;))[A-Za-z_][\\w \\t*]*[ \\t*]${name}(?:\\([^;{}]*?\\)|(?:\\[[^\\]\\n]*\\])*(?: SEC\\([^)\\n]*\\))?(?: = [^\\n;]*)?;)`,
      "m",
    ),
  );

const enumerator: Finder = (text, name) => {
  const found = matched(text, new RegExp(`^\\t${name}(?: = [^\\n,]*)?,$`, "m"));
  if (!found) return undefined;
  const start = text.lastIndexOf("\nenum ", found.start) + 1;
  // Of a large enum the line alone says it.
  return start > 0 && found.start - start < 400 ? { start, end: block(text, text.indexOf("{", start)) } : found;
};

/** The comment that ends on the line above. */
function commentAbove(text: string, start: number): string {
  const above = text.slice(0, start).trimEnd();
  if (text.slice(above.length, start).split("\n").length > 2) return ""; // an empty line between
  if (above.endsWith("*/")) return above.slice(above.lastIndexOf("/*"));
  return /(?:(?:^|\n)[ \t]*\/\/[^\n]*)+$/.exec(above)?.[0].trim() ?? "";
}
