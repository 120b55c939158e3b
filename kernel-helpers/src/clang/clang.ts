import { execa } from "execa";
import { MissingFeatureError } from "../base/errors.js";
import { compileError, parseDiagnostics, type Diagnostic } from "./diagnostics.js";

/** The compiler: clang on PATH, or what the environment variable CLANG names. */
export function clang(): string {
  return process.env["CLANG"] || "clang";
}

function missing(cause: unknown): MissingFeatureError {
  return new MissingFeatureError("clang", `The C compiler ${clang()} cannot be found.`, {
    hint: "Install it with: apt-get install clang",
    cause,
  });
}

const versions = new Map<string, Promise<string>>();

/** The compiler's version line, such as `Debian clang version 14.0.6`. */
export function clangVersion(): Promise<string> {
  const name = clang();
  let version = versions.get(name);
  if (!version) {
    version = execa(name, ["--version"]).then(
      (result) => result.stdout.split("\n")[0] ?? "",
      (cause) => {
        versions.delete(name);
        throw missing(cause);
      },
    );
    versions.set(name, version);
  }
  return version;
}

/**
 * Runs clang on one input and returns its warnings.
 *
 * @param name what the messages call the input
 * @param sources text by file name, for the excerpts in errors
 * @throws CompileError, MissingFeatureError without clang
 */
export async function runClang(
  args: string[],
  name: string,
  sources: Record<string, string> = {},
  input?: string,
): Promise<Diagnostic[]> {
  const result = await execa(clang(), ["-fno-caret-diagnostics", "-fno-color-diagnostics", ...args], {
    reject: false,
    ...(input === undefined ? {} : { input }),
    env: { LC_ALL: "C" },
  });
  if (result.code === "ENOENT") throw missing(result);
  const diagnostics = parseDiagnostics(result.stderr, sources);
  if (result.failed) throw compileError(name, result.stderr, diagnostics, result.signal);
  return diagnostics;
}

/** What clang says of one input, whether or not the input is right. @throws MissingFeatureError without clang */
export async function clangMessages(args: string[], input: string): Promise<Diagnostic[]> {
  const quiet = ["-fno-caret-diagnostics", "-fno-color-diagnostics"];
  const result = await execa(clang(), [...quiet, ...args], { reject: false, input, env: { LC_ALL: "C" } });
  if (result.code === "ENOENT") throw missing(result);
  return parseDiagnostics(result.stderr, {});
}

/** What clang prints for one input, whether or not the input is right. @throws MissingFeatureError without clang */
export async function clangOutput(args: string[], input: string): Promise<string> {
  const result = await execa(clang(), args, { reject: false, input, env: { LC_ALL: "C" } });
  if (result.code === "ENOENT") throw missing(result);
  return result.stdout;
}
