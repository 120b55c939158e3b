import { BpflabError } from "../base/errors.js";

/** One message of the C compiler, pointing into the source. Lines and columns count from 1. */
export interface Diagnostic {
  severity: "error" | "warning" | "note";
  file: string;
  line: number;
  column: number;
  message: string;
  /** The source line and a caret under the column; empty when the source is not at hand. */
  excerpt: string;
}

/**
 * The C did not compile. The message names file, line and column of the first error and
 * shows the line; `diagnostics` has them all.
 */
export class CompileError extends BpflabError {
  readonly diagnostics: Diagnostic[];
  /** All that the compiler printed. */
  readonly output: string;

  constructor(message: string, diagnostics: Diagnostic[], output: string, hint?: string) {
    super("COMPILE", message, hint ? { hint } : {});
    this.diagnostics = diagnostics;
    this.output = output;
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

/** The error for a failed run of clang: its errors, or one line about its own crash. */
export function compileError(
  name: string,
  output: string,
  diagnostics: Diagnostic[],
  signal: string | undefined,
): CompileError {
  const lineOf = (d: Diagnostic) => `${d.file}:${d.line}:${d.column}: ${d.message}`;
  const errors = diagnostics.filter(
    (d, i) => d.severity === "error" && diagnostics.findIndex((e) => lineOf(e) === lineOf(d)) === i,
  );
  if (errors.length > 0) {
    const shown = errors.slice(0, 5).map((d) => `${lineOf(d)}\n${d.excerpt}`);
    const more = errors.length > 5 ? [`… and ${errors.length - 5} more errors`] : [];
    return new CompileError([`${name} does not compile.`, ...shown, ...more].join("\n"), diagnostics, output);
  }
  // A crash prints pages of stack; its cause stands in the line before them, if anywhere.
  const cause = /^(?:fatal error: error in backend: |LLVM ERROR: |.*Assertion )(.*)$/m.exec(output)?.[0];
  const reason = cause ?? (signal ? `it was ended by ${signal}` : output.trim().split("\n")[0] || "no message");
  return new CompileError(
    `clang failed on ${name} without pointing at a line: ${reason}`,
    diagnostics,
    output,
    cause || signal
      ? "The compiler itself crashed; simplify the last thing you changed, or use a newer clang (CLANG=/path/to/clang)."
      : undefined,
  );
}
