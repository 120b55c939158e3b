/** Completion, hover and completeness of TypeScript cells. Positions are code points, as on the wire. */
import type TS from "typescript";
import { ts } from "./compiler-api.js";
import type { CellConverter } from "./converter.js";
import { documentationOf, type Documentation } from "./documentation.js";
import { toCodePoints, toUtf16 } from "./positions.js";

export interface Completions {
  matches: string[];
  cursor_start: number;
  cursor_end: number;
  metadata: Record<string, unknown>;
}

/** What can stand at the cursor. */
export function complete(converter: CellConverter, code: string, cursor: number): Completions {
  const position = toUtf16(code, cursor);
  const { prelude } = converter.place(code, true);
  const { service, current } = converter.service;
  const at = prelude.length + position;
  const info = service.getCompletionsAtPosition(current, at, {});
  const [start, end] = replaced(code, position, info, prelude.length);
  const typed = code.slice(start, position);
  const fitting = (info?.entries ?? []).filter(({ name, insertText }) => !insertText && startsLike(name, typed));
  const exact = fitting.filter(({ name }) => name.startsWith(typed));
  const entries = exact.length > 0 ? exact : fitting;
  const cursor_start = toCodePoints(code, start);
  const cursor_end = toCodePoints(code, end);
  const types = entries.map(({ name, kind }) => ({
    text: name,
    type: kind === ts.ScriptElementKind.alias ? converter.kindOf(name) : kind,
    start: cursor_start,
    end: cursor_end,
  }));
  // JupyterLab shows the kind beside each match if it is told this way.
  return {
    matches: entries.map(({ name }) => name),
    cursor_start,
    cursor_end,
    metadata: { _jupyter_types_experimental: types },
  };
}

function startsLike(name: string, typed: string): boolean {
  return name.toLowerCase().startsWith(typed.toLowerCase());
}

/** The part of the cell that a completion takes the place of. */
function replaced(
  code: string,
  position: number,
  info: TS.CompletionInfo | undefined,
  preludeLength: number,
): [start: number, end: number] {
  const span = info?.entries[0]?.replacementSpan ?? info?.optionalReplacementSpan;
  const start = span ? span.start - preludeLength : -1;
  if (span && start >= 0 && start <= position) return [start, Math.max(position, start + span.length)];
  const word = /[\p{L}\p{N}_$]*$/u.exec(code.slice(0, position))![0];
  return [position - word.length, position];
}

/** The type at the cursor and its documentation; with detail also its tags, such as examples. */
export function inspect(converter: CellConverter, code: string, cursor: number, detail: boolean): string | undefined {
  const position = toUtf16(code, cursor);
  const { prelude } = converter.place(code);
  const { service, current } = converter.service;
  const textOf = (file: string): string => service.getProgram()?.getSourceFile(file)?.text ?? "";
  // A cursor right behind a name means that name, as at the end of what was typed.
  for (const at of [position, position - 1]) {
    if (at < 0) continue;
    const info = service.getQuickInfoAtPosition(current, prelude.length + at);
    if (!info?.displayParts?.length) continue;
    const definitions = service.getDefinitionAtPosition(current, prelude.length + at) ?? [];
    return describe(info, documentationOf(definitions, textOf), detail);
  }
  return undefined;
}

function describe({ displayParts }: TS.QuickInfo, { text, tags }: Documentation, detail: boolean): string {
  const heading = (displayParts ?? []).map((part) => part.text).join("");
  // A name of an earlier cell is an import to the compiler, and nothing of the kind to the user.
  const shown = [heading.replace(/^\(alias\) ([^]*)\nimport .*$/, "$1"), text, ...(detail ? tags : [])];
  return shown.filter(Boolean).join("\n\n");
}

/** Errors that more text could fix, wherever they are: an open template, comment or string. */
const openEnded = new Set([1010, 1160, 1161]);

/** Whether Enter should run the code or start a new line. */
export function isComplete(
  code: string,
): { status: "complete" | "invalid" } | { status: "incomplete"; indent: string } {
  // Nobody but clang knows when C is complete, so an empty line ends it, as in IPython.
  if (code.startsWith("%%"))
    return /\n.*\n\s*$/.test(code) ? { status: "complete" } : { status: "incomplete", indent: "" };
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest);
  const { parseDiagnostics: errors } = file as TS.SourceFile & {
    parseDiagnostics: readonly TS.DiagnosticWithLocation[];
  };
  if (errors.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  if (!errors.some((error) => error.start >= end || openEnded.has(error.code))) return { status: "invalid" };
  return { status: "incomplete", indent: indentAfter(code) };
}

const INDENT = "  ";

/** The indentation of the line that follows: one step deeper behind an open bracket. */
function indentAfter(code: string): string {
  const line = code.trimEnd().split("\n").at(-1)!;
  const own = /^\s*/.exec(line)![0];
  return /[{([]$|=>$/.test(line) ? own + INDENT : own;
}
