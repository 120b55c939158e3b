import { BpflabError } from "../base/errors.js";
import { folded } from "../base/html.js";

/** One message of the C compiler or of the checks beside it, pointing into the source. Lines and columns count from 1. */
export interface Diagnostic {
  /** How grave it is; a note explains the message before it. */
  severity: "error" | "warning" | "note";
  /** The file, by the name that messages use. */
  file: string;
  /** The line in it, counting from 1. */
  line: number;
  /** The column in the line, counting from 1. */
  column: number;
  /** What the compiler says. */
  message: string;
  /** The source line and a caret under the column; empty when the source is not at hand. */
  excerpt: string;
  /** What to do about it, where more can be said than the compiler does. */
  advice?: string;
}

/** How messages name a source: by its file, or by the place in which the user wrote it, such as `cell 4`. */
export interface SourceName {
  file: string;
  place?: string | undefined;
}

/** `cell 4, line 7` for the source itself, `common.h:7` for a header. */
export function placeText(source: SourceName, file: string, line: number, column?: number): string {
  if (source.place !== undefined && file === source.file) return `${source.place}, line ${line}`;
  return `${file}:${line}${column === undefined ? "" : `:${column}`}`;
}

/**
 * The C did not compile, or what was compiled cannot work. The message names the place of the first errors, shows
 * the lines and says what to do; `diagnostics` has them all.
 *
 * @example
 * await bpf.compile("int f(", { name: "broken" }).catch((error) => {
 *   if (error instanceof CompileError) console.error(error.diagnostics[0].line);
 * });
 */
export class CompileError extends BpflabError {
  /** All messages, those of headers included, in the compiler's order. */
  readonly diagnostics: Diagnostic[];
  /** All that the compiler printed. */
  readonly output: string;

  constructor(message: string, diagnostics: Diagnostic[], output: string, hint?: string) {
    super("COMPILE", message, hint ? { hint } : {});
    this.diagnostics = diagnostics;
    this.output = output;
  }

  override detailsHtml(): string | undefined {
    const text = this.output.trim();
    return text === "" ? undefined : folded(`clang's whole output (${text.split("\n").length} lines)`, text).toString();
  }
}

/** A source line with a caret under the column, by default its first word; tabs are kept so that the caret lines up. */
export function excerpt(source: string, line: number, column?: number): string {
  const text = source.split("\n")[line - 1];
  if (text === undefined) return "";
  column ??= text.search(/\S|$/) + 1;
  const number = String(line);
  const before = text.slice(0, Math.max(column - 1, 0)).replace(/[^\t]/g, " ");
  return `${number} | ${text}\n${" ".repeat(number.length)} | ${before}^`;
}

const shape = /^(.+?):(\d+):(\d+): (fatal error|error|warning|note): (.*)$/;

/**
 * Reads clang's messages (with carets switched off).
 *
 * @param sources text by the file name clang prints, for the excerpts
 */
export function parseDiagnostics(output: string, sources: Record<string, string>): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const row of output.split("\n")) {
    const match = shape.exec(row);
    if (!match) continue;
    const [, file, line, column, severity, message] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    found.push({
      severity: severity === "fatal error" ? "error" : (severity as Diagnostic["severity"]),
      file,
      line: Number(line),
      column: Number(column),
      message,
      excerpt: excerpt(sources[file] ?? "", Number(line), Number(column)),
    });
  }
  return found;
}

/** A message as text: its place, the line with the caret, and what to do. */
export function diagnosticText(diagnostic: Diagnostic, source: SourceName): string {
  const { file, line, column, message, severity } = diagnostic;
  const what = severity === "error" ? message : `${severity}: ${message}`;
  const rows = [`${placeText(source, file, line, column)}: ${what}`, diagnostic.excerpt, diagnostic.advice];
  return rows.filter(Boolean).join("\n");
}

const MOST_SHOWN = 5;

/** The error for messages of which at least one is an error. */
export function errorOf(
  name: string,
  diagnostics: Diagnostic[],
  output: string,
  source: SourceName,
  headline = `${name} does not compile.`,
): CompileError {
  const texts = diagnostics.filter((d) => d.severity === "error").map((d) => diagnosticText(d, source));
  const errors = texts.filter((text, i) => texts.indexOf(text) === i);
  const more = errors.length > MOST_SHOWN ? [`… and ${errors.length - MOST_SHOWN} more errors`] : [];
  return new CompileError([headline, ...errors.slice(0, MOST_SHOWN), ...more].join("\n"), diagnostics, output);
}

/** The error for a failed run of clang: its errors, or one line about its own crash. */
export function compileError(
  name: string,
  output: string,
  diagnostics: Diagnostic[],
  signal: string | undefined,
): CompileError {
  if (diagnostics.some((d) => d.severity === "error")) return errorOf(name, diagnostics, output, { file: name });
  // A crash prints pages of stack; its cause stands in the line before them, if anywhere.
  const cause = /^(?:fatal error: error in backend: |LLVM ERROR: |.*Assertion )(.*)$/m.exec(output)?.[0];
  const reason = cause ?? (signal ? `it was killed by ${signal}` : output.trim().split("\n")[0] || "no message");
  return new CompileError(
    `clang failed on ${name} without pointing at a line: ${reason}`,
    diagnostics,
    output,
    cause || signal
      ? "The compiler itself crashed; simplify the last thing you changed, or use a newer clang (CLANG=/path/to/clang)."
      : undefined,
  );
}
