/** TypeScript's complaints about a cell as one error that shows each place. */
import type { Diagnostic } from "tslab/dist/converter.js";
import { TypeScriptError } from "../errors.js";
import { excerpt } from "./excerpt.js";

const MOST_SHOWN = 10;

/** Lines that belong to one complaint: tslab flattens a chain of explanations into neighbours. */
function grouped(diagnostics: readonly Diagnostic[]): Diagnostic[][] {
  const groups: Diagnostic[][] = [];
  for (const one of diagnostics) {
    const last = groups.at(-1);
    const first = last?.[0];
    const same =
      first?.start.offset === one.start.offset &&
      first.end.offset === one.end.offset &&
      first.fileName === one.fileName;
    if (last && same) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** @param source the cell as the user wrote it, which the positions refer to */
export function typeScriptError(source: string, diagnostics: readonly Diagnostic[]): TypeScriptError {
  const groups = grouped(diagnostics);
  const excerpts = groups.slice(0, MOST_SHOWN).map((group) => {
    const { start, end, code, fileName } = group[0]!;
    const where = `${fileName ? `${fileName}:` : ""}${start.line + 1}:${start.character + 1}`;
    const text = group.map((one, depth) => "  ".repeat(depth) + one.messageText).join("\n");
    const headline = `${where} - TS${code}: ${text}`;
    if (fileName) return headline;
    const endColumn = end.line === start.line ? end.character : start.character + 1;
    return `${headline}\n${excerpt(source, { line: start.line, column: start.character, endColumn })}`;
  });
  if (groups.length > MOST_SHOWN) excerpts.push(`… and ${groups.length - MOST_SHOWN} more`);
  const more = groups.length > 1 ? ` (and ${groups.length - 1} more)` : "";
  return new TypeScriptError(`${groups[0]![0]!.messageText}${more}`, excerpts);
}
