/** C text for checks that look at it without a parser. */
import { excerpt, type Diagnostic } from "../diagnostics.js";

const quoted = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/;
const tokens = new RegExp(`//[^\\n]*|/\\*[\\s\\S]*?(?:\\*/|$)|${quoted.source}`, "g");
const spaces = (text: string) => text.replace(/[^\n]/g, " ");

/** The text with spaces in place of comments: every character keeps its place. */
export function withoutComments(source: string): string {
  return source.replace(tokens, (token) => (token.startsWith("/") ? spaces(token) : token));
}

/** The same with spaces in place of what stands between quotes, too, so that braces and brackets can be counted. */
export function bare(source: string): string {
  return withoutComments(source).replace(new RegExp(quoted.source, "g"), (token) =>
    token.length < 2 ? token : `${token[0]}${spaces(token.slice(1, -1))}${token.at(-1)}`,
  );
}

/** Where the bracket at `open` is closed; the text's length when it is not. */
export function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if ("([{".includes(text[i]!)) depth++;
    else if (")]}".includes(text[i]!) && --depth === 0) return i;
  }
  return text.length;
}

/** The arguments of the call whose bracket opens at `open`: each with its place. @param text as `bare` gives it */
export function callArguments(text: string, open: number): { start: number; end: number }[] {
  const end = closing(text, open);
  const found: { start: number; end: number }[] = [];
  let start = open + 1;
  for (let i = start; i <= end; i++) {
    if ("([{".includes(text[i] ?? "")) i = closing(text, i);
    else if (i === end || text[i] === ",") {
      const part = text.slice(start, i);
      const [before, after] = [part.length - part.trimStart().length, part.length - part.trimEnd().length];
      if (part.trim() !== "") found.push({ start: start + before, end: i - after });
      start = i + 1;
    }
  }
  return found;
}

/** Line and column of a character, counting from 1. */
export function placeAt(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** The character at a line and column; the inverse of `placeAt`. */
export function offsetAt(source: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = source.indexOf("\n", start) + 1;
  return start + column - 1;
}

/** A message of a check about the character at `offset`. */
export function finding(
  source: string,
  file: string,
  offset: number,
  severity: "error" | "warning",
  message: string,
  advice?: string,
): Diagnostic {
  const { line, column } = placeAt(source, offset);
  const base = { severity, file, line, column, message, excerpt: excerpt(source, line, column) };
  return advice === undefined ? base : { ...base, advice };
}
