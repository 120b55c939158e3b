/** Completion, hover and completeness of TypeScript cells. Positions are code points, as on the wire. */
import { createRequire } from "node:module";
import type { Executor } from "tslab/dist/executor.js";
import type TS from "@tslab/typescript-for-tslab";
import { toCodePoints, toUtf16 } from "./positions.js";

type LanguageService = Pick<Executor, "complete" | "inspect">;

export interface Completions {
  matches: string[];
  cursor_start: number;
  cursor_end: number;
  metadata: Record<string, unknown>;
}

/** What can stand at the cursor. */
export function complete(service: LanguageService, code: string, cursor: number): Completions {
  const { start, end, candidates, original } = service.complete(code, toUtf16(code, cursor));
  const cursor_start = toCodePoints(code, start);
  const cursor_end = toCodePoints(code, end);
  const kinds = new Map(original?.entries.map((entry) => [entry.name, entry.kind]));
  // JupyterLab shows the kind beside each match if it is told this way.
  const types = candidates.map((text) => ({ text, type: kinds.get(text) ?? "", start: cursor_start, end: cursor_end }));
  return { matches: candidates, cursor_start, cursor_end, metadata: { _jupyter_types_experimental: types } };
}

/** The type at the cursor and its documentation; with detail also its tags, such as examples. */
export function inspect(service: LanguageService, code: string, cursor: number, detail: boolean): string | undefined {
  const position = toUtf16(code, cursor);
  // A cursor right behind a name means that name, as at the end of what was typed.
  for (const at of [position, position - 1]) {
    if (at < 0) continue;
    const info = service.inspect(code, at) as TS.QuickInfo | undefined;
    if (info) return describe(info, detail);
  }
  return undefined;
}

function describe({ displayParts, documentation, tags }: TS.QuickInfo, detail: boolean): string {
  const text = (parts: readonly TS.SymbolDisplayPart[] = []): string => parts.map((part) => part.text).join("");
  const shown = [text(displayParts), text(documentation)];
  for (const tag of detail ? (tags ?? []) : []) shown.push(`@${tag.name} ${text(tag.text)}`);
  return shown.filter(Boolean).join("\n\n");
}

/** Messages of errors that more text could mend, wherever they are: an open template, comment or string. */
const OPEN_ENDED = new Set([1010, 1160, 1161]);

/** Whether Enter should run the code or start a new line. */
export function isComplete(
  ts: typeof TS,
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
  if (!errors.some((error) => error.start >= end || OPEN_ENDED.has(error.code))) return { status: "invalid" };
  const { isCompleteCode } = createRequire(import.meta.url)(
    "tslab/dist/converter.js",
  ) as typeof import("tslab/dist/converter.js");
  return { status: "incomplete", indent: isCompleteCode(code).indent ?? "" };
}
