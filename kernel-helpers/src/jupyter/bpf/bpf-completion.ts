/** Completion inside a C cell: clang's, at the cursor. */
import { createRequire } from "node:module";
import type { Completions } from "../typescript/completion.js";
import { toCodePoints, toUtf16 } from "../typescript/positions.js";

/** True for a cell that `%%bpf` makes C. */
export function isBpfCell(code: string): boolean {
  return /^%%bpf\b/.test(code);
}

/** What can stand at the cursor of a C cell, each with its C type. */
export async function completeBpfCell(code: string, cursor: number): Promise<Completions> {
  const position = toUtf16(code, cursor);
  const before = code.slice(0, position);
  const line = before.split("\n").length;
  const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1)) + 1;
  const word = /\w*$/.exec(before)![0];
  const start = toCodePoints(code, position - word.length);
  // Not import(): while that loads, a cell's require() of kernel-helpers would fail.
  const { completeC } = createRequire(import.meta.url)(
    "../../clang/complete.js",
  ) as typeof import("../../clang/complete.js");
  // The first line is ours; emptied, the lines below keep their numbers.
  const items = line === 1 ? [] : await completeC(code.replace(/^.*/, ""), line, column);
  const matches = items.map(({ text }) => text);
  const types = items.map(({ text, type }) => ({ text, type, start, end: cursor }));
  return { matches, cursor_start: start, cursor_end: cursor, metadata: { _jupyter_types_experimental: types } };
}
