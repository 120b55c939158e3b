import { displaySymbol, type MimeBundle } from "../../base/display.js";
import { BpflabError } from "../../base/errors.js";
import { folded, html, preformatted, trusted } from "../../base/html.js";
import { excerpt, placeText, type SourceName } from "../../clang/diagnostics.js";
import { lineInfo } from "../line-info.js";
import { CText, type Spot } from "./c-text.js";
import { readVerifierLog, registerBefore, type Step, type VerifierLog } from "./log.js";
import { meaningOf } from "./meaning.js";
import type { Meaning } from "./rejection.js";

/** What an error of the verifier is made from. */
export interface VerifierFacts {
  program: string;
  reason: string;
  meaning: Meaning | undefined;
  /** The place as messages name it, and the line with its caret. */
  place: string;
  excerpt: string;
  file: string | undefined;
  line: number | undefined;
  instruction: string | undefined;
  registers: string | undefined;
  log: string;
}

/**
 * The kernel's verifier rejected a program. The message says what is wrong in the program's terms, where, and what to
 * write instead, where that is known; then the verifier's reason with the registers at that point. `log` is all it said;
 * a notebook shows it folded below the message.
 *
 * @example
 * await bpf.load(mine).catch((error) => {
 *   if (error instanceof VerifierError) console.error(error.line, error.reason);
 * });
 */
export class VerifierError extends BpflabError {
  /** The name of the rejected program. */
  readonly program: string;
  /** The verifier's own reason, such as `R1 invalid mem access 'scalar'`. */
  readonly reason: string;
  /** The C file of the rejected line; undefined when the log does not say. */
  readonly file: string | undefined;
  /** The line in `file`, counting from 1; undefined when the log does not say. */
  readonly line: number | undefined;
  /** The rejected instruction, as the verifier prints it. */
  readonly instruction: string | undefined;
  /** What the verifier knew of the registers that the instruction uses, as its log has it. */
  readonly registers: string | undefined;
  /** The verifier's log: all of it, or the last MiB where it is longer. */
  readonly log: string;

  constructor(facts: VerifierFacts) {
    const { meaning, place, reason, instruction, registers } = facts;
    const known = [instruction, registers].filter(Boolean).join("; ");
    const lines = [
      `The kernel's verifier rejects program ${facts.program}.`,
      `${place}${meaning?.message ?? reason}`,
      facts.excerpt,
      meaning ? `The verifier: ${reason}` : "",
      known ? `At instruction ${known}` : "",
    ];
    const hint = meaning?.advice ?? "The whole log below has all that the verifier said; in code it is error.log.";
    super("VERIFIER", lines.filter(Boolean).join("\n"), { hint });
    this.program = facts.program;
    this.reason = reason;
    this.file = facts.file;
    this.line = facts.line;
    this.instruction = instruction;
    this.registers = registers;
    this.log = facts.log;
  }

  override detailsHtml(): string {
    const rows = this.log.split("\n").length;
    const title = this.log.startsWith("-- ") ? "The end of the verifier's log" : "The verifier's whole log";
    return folded(`${title} (${rows} lines)`, this.log).toString();
  }

  /** The message, and the whole log behind a click. */
  [displaySymbol](): MimeBundle {
    const page = html`${preformatted(this.message)}${trusted(this.detailsHtml())}`;
    return { "text/plain": this.message, "text/html": page.toString() };
  }
}

/** The C of a program that was not loaded, as `compile` returned it. */
export interface RejectedSource extends SourceName {
  source: string;
  elf: Buffer;
}

/**
 * Reads libbpf's output of a failed load.
 *
 * @returns undefined when no verifier log is in it
 */
export function verifierError(output: string, compiled: RejectedSource): VerifierError | undefined {
  const read = readVerifierLog(output);
  if (!read) return undefined;
  const log = located(read, compiled);
  const step = log.steps.at(-1);
  const where = step?.line === undefined ? undefined : { file: step.file ?? compiled.file, line: step.line };
  const isOfSource = where?.file === /[^/]+$/.exec(compiled.file)?.[0];
  const [line, column] = isOfSource ? [where?.line, step?.column] : [];
  const meaning = meaningOf({ log, c: new CText(compiled.source), line, column });
  const spot = meaning?.at ?? (line === undefined ? undefined : { line, column });
  const place = spot ? { file: compiled.file, line: spot.line } : where;
  return new VerifierError({
    program: log.program,
    reason: log.reason,
    meaning,
    place: place ? `${placeText(compiled, place.file, place.line)}: ` : "",
    excerpt: [
      spot
        ? excerpt(compiled.source, spot.line, spot.column)
        : where && step?.text
          ? `${where.line} | ${step.text}`
          : "",
      meaning?.also ? second(compiled.source, meaning.also) : "",
    ]
      .filter(Boolean)
      .join("\n"),
    file: place?.file,
    line: place?.line,
    instruction: step && `${step.number}: ${step.code}`,
    registers: registersAt(log),
    log: log.log,
  });
}

function second(source: string, { spot, why }: { spot: Spot; why: string }): string {
  return `${excerpt(source, spot.line, spot.column)} ${why}`;
}

/** The log with a place for each step: kernels since 6.9 say the line, clang's own notes have the column, too. */
function located(log: VerifierLog, { elf, source, file }: RejectedSource): LocatedLog {
  const noted = lineInfo(elf, log.program);
  const rows = source.split("\n").map((row) => row.trim());
  const steps = log.steps.map((step): LocatedStep => {
    const note = noted(step.number);
    const name = note && /[^/]+$/.exec(note.file)?.[0];
    if (step.line !== undefined)
      return { ...step, column: note?.line === step.line && name === step.file ? note.column : undefined };
    if (note) return { ...step, file: name, line: note.line, column: note.column };
    const line = step.text ? rows.indexOf(step.text) + 1 : 0;
    return { ...step, file, line: line > 0 ? line : undefined, column: undefined };
  });
  return { ...log, steps };
}

type LocatedStep = Step & { column: number | undefined };
type LocatedLog = Omit<VerifierLog, "steps"> & { steps: LocatedStep[] };

/** What the verifier last knew of the registers that the reason or the instruction names. */
function registersAt(log: VerifierLog): string | undefined {
  const code = log.steps.at(-1)?.code ?? "";
  const numbers = new Set([...`${log.reason} ${code}`.matchAll(/\b[Rrw](\d+)\b/g)].map((found) => Number(found[1])));
  const known = [...numbers].flatMap((number) => {
    const value = registerBefore(log, number);
    return value === undefined ? [] : [`R${number}=${value}`];
  });
  return known.length > 0 ? known.join(" ") : undefined;
}
