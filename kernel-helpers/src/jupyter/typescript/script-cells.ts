/** The cells of a notebook that was saved as a script. */
import { ts } from "./compiler-api.js";

/** A part of the script that runs as one cell. */
export interface ScriptCell {
  code: string;
  /** Its first line in the file, from 1. */
  line: number;
}

/** What jupytext's percent format puts before each cell, with the cell's kind. */
const cellMarker = /^\/\/ %%(?=\s|$).*?(\[(?:markdown|md|raw)\])?\s*$/;
/** jupytext comments lines out that are no TypeScript. */
const cCell = /^(?:\/\/ )?(%%bpf\b.*)$/;

/**
 * Takes a script apart: at jupytext's markers, and where C begins and ends.
 *
 * nbconvert leaves no marks. C ends at an empty line behind which everything, up to the next `%%bpf`, is TypeScript.
 */
export function cellsOfScript(text: string): ScriptCell[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  const cells: ScriptCell[] = [];
  const add = (from: number, to: number): void => {
    const code = lines.slice(from, to).join("\n").trimEnd();
    if (code.trim()) cells.push({ code, line: from + 1 });
  };
  const isMarked = lines.some((line) => cellMarker.test(line));
  let start = 0;
  let isText = false;
  const end = (at: number): void => {
    if (!isText) split(start, at);
  };
  const split = (from: number, to: number): void => {
    let at = from;
    for (let i = from; i < to; i++) {
      const c = cCell.exec(lines[i]!);
      if (!c) continue;
      add(at, i);
      lines[i] = c[1]!;
      at = i;
      const next = lines.findIndex((line, j) => j > i && j < to && cCell.test(line));
      const limit = next < 0 ? to : next;
      at = isMarked ? limit : endOfC(lines, i, limit);
      add(i, at);
      i = at - 1;
    }
    add(at, to);
  };
  for (const [i, line] of lines.entries()) {
    const marker = cellMarker.exec(line);
    if (!marker) continue;
    end(i);
    start = i + 1;
    isText = marker[1] !== undefined;
  }
  end(lines.length);
  return cells;
}

/** The line behind a C cell's last one. */
function endOfC(lines: readonly string[], from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    if (lines[i - 1]!.trim() !== "" || lines[i]!.trim() === "") continue;
    if (isTypeScript(lines.slice(i, to).join("\n"))) return i;
  }
  return to;
}

function isTypeScript(text: string): boolean {
  const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true, fileName: "cell.ts" });
  return diagnostics!.length === 0;
}
