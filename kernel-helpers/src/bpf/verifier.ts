import { BpflabError } from "../base/errors.js";
import { excerpt } from "../clang/diagnostics.js";

/**
 * The kernel's verifier rejected a program. The message gives its reason, the C line and
 * the registers at that point; `log` is all it said.
 */
export class VerifierError extends BpflabError {
  readonly program: string;
  /** The verifier's own reason, such as `R1 invalid mem access 'scalar'`. */
  readonly reason: string;
  /** Where in the C, counting from 1; undefined when the log does not say. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  /** The rejected instruction, and what the verifier knew of its registers. */
  readonly instruction: string | undefined;
  readonly registers: string | undefined;
  /** The verifier's whole log. */
  readonly log: string;

  constructor(facts: Omit<VerifierFacts, "excerpt"> & { excerpt: string }) {
    const place = facts.line === undefined ? "" : `${facts.file}:${facts.line}: `;
    const lines = [
      `The kernel's verifier rejects program ${facts.program}.`,
      `${place}${facts.reason}`,
      facts.excerpt,
      facts.instruction ? `instruction: ${facts.instruction}` : "",
      facts.registers ? `registers:   ${facts.registers}` : "",
    ];
    super("VERIFIER", lines.filter(Boolean).join("\n"), { hint: "The field log has all that the verifier said." });
    this.program = facts.program;
    this.reason = facts.reason;
    this.file = facts.file;
    this.line = facts.line;
    this.instruction = facts.instruction;
    this.registers = facts.registers;
    this.log = facts.log;
  }
}

interface VerifierFacts {
  program: string;
  reason: string;
  file?: string;
  line?: number;
  instruction?: string;
  registers?: string;
  excerpt: string;
  log: string;
}

const begin = /^libbpf: prog '(.+?)': -- BEGIN PROG LOAD LOG --$/m;

/**
 * Reads libbpf's output of a failed load.
 *
 * @param source the C text, for the excerpt
 * @returns undefined when no verifier log is in it
 */
export function verifierError(output: string, source: string): VerifierError | undefined {
  const start = begin.exec(output);
  if (!start) return undefined;
  const log = output
    .slice(start.index + start[0].length + 1)
    .split(/^-- END PROG LOAD LOG --$/m)[0]!
    .trimEnd();
  const rows = log.split("\n");
  // The last lines are the reason and a line of figures; the rest leads up to it, newest last.
  const figures = /^(processed \d+ insns|verification time|stack depth|max_states|func#|mark_precise|-- )/;
  let end = rows.length - 1;
  while (end >= 0 && (figures.test(rows[end]!) || rows[end]!.trim() === "")) end--;
  const before = rows.slice(0, end).reverse();
  const instruction = before.find((row) => /^\d+: \(/.test(row));
  const reason = rows[end]?.trim() || "no reason given";
  const comment = before.find((row) => row.startsWith("; "));
  // Kernels since 6.9 say "@ file:line" behind the C line; before, the text itself has to be found.
  const place = comment && /^; (.*?)(?: @ (.+):(\d+))?$/.exec(comment);
  const code = place?.[1]?.trim();
  const searched = code ? source.split("\n").findIndex((row) => row.trim() === code) + 1 || undefined : undefined;
  const line = place?.[3] ? Number(place[3]) : searched;
  return new VerifierError({
    program: start[1]!,
    reason,
    log,
    excerpt: line === undefined ? "" : excerptOf(source, line, code),
    ...(line === undefined ? {} : { line }),
    ...(place?.[2] ? { file: place[2] } : {}),
    ...(instruction ? { instruction: instruction.replace(/\s*;\s*(?:frame\d+: )?R\d+.*$/, "") } : {}),
    ...registersAt(before, reason, instruction),
  });
}

/** The line that the log names. A header's, which the source does not have there, the log brings along. */
function excerptOf(source: string, line: number, code: string | undefined): string {
  const isOfSource = !code || source.split("\n")[line - 1]?.trim() === code;
  return isOfSource ? excerpt(source, line) : `${line} | ${code}`;
}

/** What the verifier last knew of the registers that the reason or the instruction names. */
function registersAt(before: string[], reason: string, instruction = ""): { registers?: string } {
  const named = new Set(
    [...`${reason} ${instruction.split(";")[0]}`.matchAll(/\b[Rrw](\d+)\b/g)].map((match) => match[1]!),
  );
  const known = [...named].flatMap((number) => {
    const state = new RegExp(`\\bR${number}(?:_\\w+)?=\\S+`);
    const row = before.slice(1).find((text) => state.test(text)) ?? before.find((text) => state.test(text));
    return row ? [state.exec(row)![0]] : [];
  });
  return known.length > 0 ? { registers: known.join(" ") } : {};
}
