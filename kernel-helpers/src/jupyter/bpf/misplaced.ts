/** C in a cell that does not begin with `%%bpf`: one sentence, where TypeScript would have a hundred. */
import { ArgumentError } from "../../base/errors.js";
import type { Outcome } from "../typescript/runner.js";

const FORM = "The first line of a cell in C is: %%bpf NAME";

/** The outcome of a cell that is C and does not say so; undefined for any other. */
export function misplacedC(code: string): Promise<Outcome> | undefined {
  const message = mistake(code);
  return message === undefined
    ? undefined
    : Promise.resolve({ ok: false, error: new ArgumentError(message, { hint: FORM }) });
}

function mistake(code: string): string | undefined {
  const rows = code.split("\n");
  const at = rows.findIndex((row) => /^[\s\uFEFF]*%%?bpf\b/.test(row));
  if (at >= 0 && isNothing(rows.slice(0, at).join("\n"))) {
    if (!/^[\s\uFEFF]*%%bpf/.test(rows[at]!)) return `%bpf is written with two percent signs: %%bpf (line ${at + 1}).`;
    if (at === 0)
      return "%%bpf has to be the very first characters of the cell: an invisible character stands before it.";
    return `%%bpf has to be the cell's first line, and here it is line ${at + 1}: move the lines above it below it.`;
  }
  return looksLikeC(code) ? "This cell looks like C, but without %%bpf a cell is TypeScript." : undefined;
}

/** True for blank lines and comments. */
function isNothing(text: string): boolean {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "").trim() === "";
}

/** Directives and sections, neither of which TypeScript has, outside of template literals: those may hold C for bpf.compile. */
function looksLikeC(code: string): boolean {
  const plain = code.replace(/`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  return /^[ \t]*#[ \t]*(?:include[ \t]*[<"]|define[ \t]+\w|ifn?def\b)|^[ \t]*SEC\([ \t]*"|\bSEC\("(?:\.maps|license)"\)/m.test(
    plain,
  );
}
