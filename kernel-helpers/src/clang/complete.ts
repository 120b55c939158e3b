import { compilerFlags } from "./compile.js";
import { clangOutput } from "./clang.js";

/** What can stand at a place in C. */
export interface CompletionItem {
  text: string;
  /** Its C type or signature; empty for keywords. */
  type: string;
}

/** One line of clang's answer: `COMPLETION: NAME : [#TYPE#]REST`, where REST marks a call's parameters as <#…#>. */
function parse(row: string): CompletionItem | undefined {
  const match = /^COMPLETION: (?:Pattern : |(\w+)(?: \(.*?\))?(?: : (.*))?)/.exec(row);
  if (!match?.[1]) return undefined;
  const [, text, rest = ""] = match;
  const type = /\[#(.*?)#\]/.exec(rest)?.[1] ?? "";
  const parameters = /\((.*)\)/.exec(rest.replace(/\[#.*?#\]/g, "").replace(/<#|#>/g, ""))?.[0] ?? "";
  return { text: text!, type: `${type}${parameters}` };
}

/**
 * clang's own completion: fields of kernel structs, helpers, maps and macros, with their types.
 *
 * @param source the whole C text
 * @param line and
 * @param column where the cursor is, counting from 1, the column in bytes
 * @returns items whose text begins with what stands before the cursor; none when clang has no answer
 * @throws MissingFeatureError without clang or BTF
 */
export async function completeC(source: string, line: number, column: number): Promise<CompletionItem[]> {
  // clang completes at the start of the word: it would filter by a prefix, but only by its own rules.
  const before = Buffer.from(source.split("\n")[line - 1] ?? "")
    .subarray(0, column - 1)
    .toString();
  const word = /\w*$/.exec(before)![0];
  const at = `-:${line}:${column - word.length}`;
  const args = [
    "-fsyntax-only",
    "-w",
    "-Xclang",
    "-code-completion-macros",
    "-Xclang",
    `-code-completion-at=${at}`,
    "-x",
    "c",
    "-",
  ];
  const output = await clangOutput([...(await compilerFlags(source)), ...args], source);
  const items = output.split("\n").flatMap((row) => parse(row) ?? []);
  return items.filter(({ text }) => text.startsWith(word) && (word.startsWith("__") || !text.startsWith("__")));
}
