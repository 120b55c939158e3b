/** What can be seen in C that compiles, and that the kernel would refuse later, or do without a word. */
import { clangMessages } from "../clang.js";
import type { Diagnostic } from "../diagnostics.js";
import { checkDeclarations } from "./declarations.js";
import { checkBcc } from "./bcc.js";
import { doubledHooks } from "./doubled-hooks.js";
import { checkFormats } from "./formats.js";
import { probed, probeFlags, readProbes } from "./probes.js";
import { checkSections } from "./sections.js";
import { checkValues } from "./values.js";

/** What the text alone shows, also of a source that does not compile. */
export function checkText(source: string, file: string): Diagnostic[] {
  return [checkBcc, checkSections, checkDeclarations, checkFormats].flatMap((check) => check(source, file));
}

/**
 * Checks a source before it is loaded.
 *
 * @param file what messages call it
 * @param flags with which it is compiled
 * @returns errors for what cannot work, warnings for what probably does not do what was meant; in the order of the lines
 */
export async function lint(source: string, file: string, flags: readonly string[]): Promise<Diagnostic[]> {
  const text = probed(source, file);
  const said = text === undefined ? [] : await clangMessages([...flags, ...probeFlags, "-x", "c", "-"], text);
  const found = [
    ...checkText(source, file),
    ...doubledHooks(source, file),
    ...checkValues(source, file),
    ...readProbes(said, source, file),
  ];
  const refused = new Set(found.filter((d) => d.severity === "error").map((d) => d.line));
  return found
    .filter((d) => d.severity === "error" || !refused.has(d.line)) // what follows from an error says no more
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
