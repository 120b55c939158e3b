/** Lines of TypeScript below C: a cell is in one language to its end. */
import type { Diagnostic } from "../diagnostics.js";
import { bare, finding } from "./source-text.js";

const shape =
  /^[ \t]*(?:import\b[^;\n]*\bfrom\b|import\s*["{*]|(?:const|let|var)\s+[\w{}\[\], ]+(?::[^=\n]+)?=\s*(?:await|new|async)\b|await\s+\w|console\s*\.\s*\w+\s*\(|for\s+await\b|export\s+(?:const|function|class)\b|async\s+function\b)/m;

/** @returns an error for the first line that is TypeScript for certain */
export function typeScriptIn(source: string, file: string): Diagnostic[] {
  const found = shape.exec(bare(source));
  if (!found) return [];
  return [
    finding(
      source,
      file,
      found.index + found[0].search(/\S/),
      "error",
      "This line is TypeScript, and what begins with %%bpf is C to its end.",
      "Move it into a cell of its own.",
    ),
  ];
}
