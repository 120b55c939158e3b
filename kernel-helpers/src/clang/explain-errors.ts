/** clang's errors with what they mean in a BPF program. */
import { advised, operatorAt, signedDivision } from "./advice.js";
import { headerTrouble } from "./headers.js";
import { errorOf, type CompileError, type Diagnostic } from "./diagnostics.js";
import { checkBcc } from "./lint/bcc.js";
import { checkText } from "./lint/lint.js";
import { typeScriptIn } from "./lint/typescript.js";
import { bare, finding, offsetAt } from "./lint/source-text.js";
import { withoutSlip } from "./slips.js";
import { knownNames } from "./known-names.js";

/** The same error with advice, and with the place where the user wrote the source. A crash of clang stays as it is. */
export async function explainErrors(
  error: CompileError,
  { name, source, file, place }: { name: string; source: string; file: string; place?: string | undefined },
): Promise<CompileError> {
  const { diagnostics, output } = error;
  const crash = diagnostics.some((d) => d.severity === "error") ? undefined : noInstruction(output, source, file);
  if (crash) return errorOf(name, [...diagnostics, crash], output, { file, place });
  if (!diagnostics.some((d) => d.severity === "error")) return error;
  const names = await knownNames().catch(() => undefined); // without the kernel's types the messages stay clang's
  // What follows from these says nothing.
  for (const cause of [typeScriptIn(source, file), checkBcc(source, file), headerTrouble(diagnostics, source, file)])
    if (cause.length > 0) return errorOf(name, cause, output, { file, place });
  const found = checkText(source, file).filter(({ severity }) => severity === "error");
  const told: Diagnostic[] = [...found];
  diagnostics.forEach((diagnostic, i) => {
    if (found.some(({ line }) => line === diagnostic.line) || isUndeclaredBy(told, diagnostic, source)) return;
    const rest = diagnostics.slice(i + 1);
    const end = rest.findIndex((d) => d.severity !== "note");
    const notes = rest.slice(0, end < 0 ? rest.length : end);
    told.push(withoutSlip(names ? advised(diagnostic, notes, source, names) : diagnostic, notes, source));
  });
  return errorOf(name, told, output, { file, place });
}

/** True for a variable that is not known only because its declaration was refused before. */
function isUndeclaredBy(told: readonly Diagnostic[], { message }: Diagnostic, source: string): boolean {
  const name = /^use of undeclared identifier '(\w+)'/.exec(message)?.[1];
  if (name === undefined) return false;
  const declares = new RegExp(`\\b[A-Za-z_]\\w*[ \\t*]+${name}\\s*(?:=|;|\\[)`);
  const rows = source.split("\n");
  return told.some(({ severity, line }) => severity === "error" && declares.test(rows[line - 1] ?? ""));
}

/** Some compilers die of what BPF has no instruction for; the place stands in their last words. */
function noInstruction(output: string, source: string, file: string): Diagnostic | undefined {
  const found = /Cannot select: .*? = (sdiv|srem) .*?:(\d+):(\d+)$/m.exec(output);
  if (!found) return undefined;
  const [line, column] = [Number(found[2]), Number(found[3])];
  const at = offsetAt(source, line, column);
  return finding(source, file, operatorAt(bare(source), at) ?? at, "error", ...signedDivision);
}
