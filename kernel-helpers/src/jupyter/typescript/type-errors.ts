/** TypeScript's complaints about a cell as one error that shows each place. */
import type { Diagnostic } from "tslab/dist/converter.js";
import { TypeScriptError } from "../kernel-errors.js";
import { excerpt } from "./excerpt.js";
import { hintFor } from "./type-hints.js";

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
  const own = groups.flatMap(([one]) => (one!.fileName ? [] : [one!.start.line]));
  const foreign = own.map((line) => notTypeScript(source, line)).find(Boolean);
  if (foreign) return new TypeScriptError(foreign, []);
  const more = groups.length > 1 ? ` (and ${groups.length - 1} more)` : "";
  const hints = groups.slice(0, MOST_SHOWN).map((group) => hintFor(group, source));
  const said = hints[0] === undefined ? unknownName(groups[0]![0]!) : undefined;
  const hint = hints.find(Boolean);
  const message = `${said ?? groups[0]![0]!.messageText.split("\n")[0]}${more}`;
  return new TypeScriptError(hint === undefined ? message : `${message}\n${hint}`, excerpts);
}

/** A name that no cell has declared yet: most often, the cell that does was not run, or failed. */
function unknownName({ code, messageText }: Diagnostic): string | undefined {
  const name = /'([^']+)'/.exec(messageText)?.[1];
  if (name === undefined || (code !== CANNOT_FIND_NAME && code !== NO_VALUE_FOR_SHORTHAND)) return undefined;
  return `Cannot find name '${name}'. No cell that ran to its end declares it: run the one that does, or mend that one first if it failed.`;
}

const CANNOT_FIND_NAME = 2304;
const NO_VALUE_FOR_SHORTHAND = 18004;

/** What to write in place of IPython's lines that begin with `!` or `%`. */
function notTypeScript(source: string, line: number): string | undefined {
  const [, mark, word, rest] = /^\s*([!%])(?!%)\s*([\w./-]+)(.*)$/.exec(source.split("\n")[line] ?? "") ?? [];
  if (!mark || !word) return undefined;
  if (mark === "%")
    return `Line ${line + 1}: there are no % commands here; cells are TypeScript. To time something, write console.time("${word}") before it and console.timeEnd("${word}") after it.`;
  // An expression such as !done begins like a command, and ends with the line.
  if (/^\s*(?:;|$|[=.?&|)])/.test(rest!) && !/[/-]/.test(word) && !commands.test(word)) return undefined;
  const command = JSON.stringify(`${word}${rest}`);
  return `Line ${line + 1}: ! runs no command here; cells are TypeScript. Write: import { execSync } from "node:child_process"; console.log(execSync(${command}, { encoding: "utf8" }));`;
}

/** What people run from notebooks. */
const commands =
  /^(?:ls|pwd|cat|head|tail|echo|grep|find|wc|df|du|ps|top|free|uname|which|whoami|id|date|env|git|npm|npx|node|pip3?|apt|apt-get|sudo|curl|wget|ip|ss|ping|mkdir|rm|cp|mv|sh|bash|python3?|dmesg|lsmod|mount|bpftool|make|gcc|clang)$/;
