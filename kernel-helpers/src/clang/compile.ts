import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import { inScratch } from "../base/scratch.js";
import { ArgumentError, MissingFeatureError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import { clangVersion, runClang } from "./clang.js";
import { CompileError, errorOf, type Diagnostic } from "./diagnostics.js";
import { explainErrors } from "./explain-errors.js";
import { hashInputs, inputsOf } from "./inputs.js";
import { lint } from "./lint/lint.js";
import { withoutSlip } from "./slips.js";
import { BUILT_HEADERS, cacheDir, INCLUDE_DIR, orNoSpace, PROGRAMS_DIR } from "./locations.js";
import { targetFlags, vmlinux, vmlinuxDir, writeWhole } from "./vmlinux.js";

/** A compiled program: an ELF object with BTF, not yet in the kernel. */
export interface Compiled {
  /** The name its handle goes by. */
  name: string;
  /** The ELF file. */
  elf: Buffer;
  /** Hash of all that went in: source, headers, compiler, flags. Equal hashes mean equal objects. */
  hash: string;
  /** The C text; empty for an object file that was opened. */
  source: string;
  /** The name by which messages call the source. */
  file: string;
  /** Where the user wrote it, such as `cell 4`: messages say that instead of the file. */
  place: string | undefined;
  /** What the compiler, and the checks beside it, warn of. */
  warnings: Diagnostic[];
}

/** What `bpf.compile` is told beside the C text. */
export interface CompileOptions {
  /** Name of the program; a letter first, then letters, digits and `_`. */
  name: string;
  /** How messages call the source; by default NAME.bpf.c. */
  file?: string;
  /** Where the source is written, such as `cell 4`: messages then name that and its line instead of a file. */
  place?: string;
  /** More directories to search for headers; they come before the working directory and bpflab's own. */
  include?: string[];
  /** Macros, as -D defines them; `true` for one without a value. */
  define?: Readonly<Record<string, string | number | true>>;
  /**
   * Counts what rings lose in a program that does not: its calls of bpf_ringbuf_reserve and bpf_ringbuf_output count
   * those that fail. Nothing else about the program changes.
   */
  countLost?: boolean;
  /** @internal C that a program wrote, not a person: it is not searched for people's mistakes, which takes another run of clang */
  generated?: boolean;
}

// libbpf's where the set-up built it, and where Debian keeps asm/, which <linux/bpf.h> needs: clang looks there for its
// own machine, not for BPF.
const TRIPLE = (
  { x64: "x86_64", arm64: "aarch64", s390x: "s390x", ppc64: "powerpc64le", riscv64: "riscv64" } as Record<
    string,
    string
  >
)[process.arch];
const systemHeaders = [
  ...(BUILT_HEADERS ? ["-I", BUILT_HEADERS] : []),
  ...(TRIPLE ? ["-idirafter", `/usr/include/${TRIPLE}-linux-gnu`] : []),
];

/** What libbpf's headers have since 1.2 or 1.4, and ours for programs that meet older ones. */
const ofNewerLibbpf =
  /\b(?:BPF_U(?:RET)?PROBE|bpf_ksym_exists|bpf_for|bpf_repeat|__kptr_untrusted|__percpu_kptr|__arg_(?:ctx|nonnull|nullable|trusted))\b/;

/** clang's flags for a source: the target's, the include path, and the kernel's types, precompiled where that is safe. */
export async function compilerFlags(
  source: string,
  includes: string[] = [INCLUDE_DIR, PROGRAMS_DIR],
  macros: readonly string[] = [],
): Promise<string[]> {
  const types = await kernelTypes(source, includes, macros.length > 0);
  // A misspelt helper: libbpf would refuse the object without a line, as newer clangs do with one.
  const undeclared = "-Werror=implicit-function-declaration";
  return [
    ...targetFlags,
    "-Wall",
    undeclared,
    ...includes.flatMap((dir) => ["-I", dir]),
    ...systemHeaders,
    ...types,
    ...(ofNewerLibbpf.test(source) ? ["-include", join(INCLUDE_DIR, "newer_libbpf.h")] : []),
    ...macros,
  ];
}

/**
 * Where the kernel's types are for a source that may want them: behind all other directories, so that a vmlinux.h of
 * the user's own comes first. A source that is sure to include them before all else gets them precompiled.
 */
async function kernelTypes(source: string, includes: readonly string[], hasMacros: boolean): Promise<string[]> {
  const first = /^(?:\s|\/\/.*|\/\*[^]*?\*\/)*#\s*include\s*[<"]([^>"]*)[>"]/.exec(source)?.[1];
  const isFirst = first === "vmlinux.h" || first === "bpflab.h";
  const own = await Promise.all(includes.map((dir) => isReadable(join(dir, "vmlinux.h"))));
  if (isFirst && !own.some(Boolean) && !hasMacros) {
    const { dir, pch } = await vmlinux();
    return ["-I", dir, "-include-pch", pch];
  }
  if (!/#\s*include/.test(source)) return [];
  // A program that does without the kernel's types need not miss them.
  const dir = await vmlinuxDir().catch(() => undefined);
  return dir === undefined ? [] : ["-I", dir];
}

const isReadable = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The macros that the options ask for, as clang takes them. @throws ArgumentError */
function macroFlags({ define = {}, countLost = false }: CompileOptions): string[] {
  for (const name of Object.keys(define))
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new ArgumentError(`define: ${JSON.stringify(name)} is not a valid name for a macro.`);
  const defined = Object.entries(define).map(([name, value]) => (value === true ? `-D${name}` : `-D${name}=${value}`));
  return [...defined, ...(countLost ? ["-include", join(INCLUDE_DIR, "count_lost.h")] : [])];
}

/**
 * Compiles BPF C for the running kernel. `vmlinux.h`, `bpflab.h` and libbpf's headers can be included.
 * A source compiled before comes from the cache, unless a header that it read has changed.
 *
 * @throws CompileError with file, line and column; MissingFeatureError without clang or BTF; ArgumentError for a bad name
 * @example
 * const mine = await bpf.compile(`
 *   #include "bpflab.h"
 *   char LICENSE[] SEC("license") = "GPL";
 *   SEC("tp/sched/sched_switch") int on_switch(void *ctx) { return 0; }
 * `, { name: "mine" });
 * const handle = await bpf.load(mine);
 */
export async function compile(source: string, options: CompileOptions): Promise<Compiled> {
  try {
    return await compileAndKeep(source, options);
  } catch (error) {
    throw orNoSpace(error);
  }
}

async function compileAndKeep(source: string, options: CompileOptions): Promise<Compiled> {
  refuseUnknownOptions("compile", options, ["name", "file", "include", "define", "countLost", "place", "generated"]);
  const { name, file = `${name}.bpf.c`, include = [], place, generated = false } = options;
  if (!/^[A-Za-z]\w*$/.test(name))
    throw new ArgumentError(
      `name: expected letters, digits and _, beginning with a letter, got ${JSON.stringify(name)}.`,
    );
  for (const dir of include) {
    await access(dir).catch((cause: unknown) => {
      throw new ArgumentError(`include: the directory ${dir} cannot be read.`, { cause });
    });
  }
  const includes = [...include, process.cwd(), INCLUDE_DIR, PROGRAMS_DIR]; // a notebook runs where it lies
  const flags = await compilerFlags(source, includes, macroFlags(options));
  const objects = join(cacheDir(), "objects");
  const key = createHash("sha256")
    .update(JSON.stringify([CHECKS, source, file, flags, await clangVersion()]))
    .digest("hex");
  const compiled = { name, source, file, place };
  const known = await lastTime(join(objects, `${key}.json`));
  if (known) {
    const hash = await hashInputs(key, known.inputs);
    const elf = await readFile(join(objects, `${hash}.o`)).catch(() => undefined);
    if (elf) return shownShort({ ...compiled, hash, elf, warnings: known.warnings });
  }

  await mkdir(objects, { recursive: true, mode: 0o700 });
  const build = async (work: string) => {
    // A #line directive names the source in messages and in the verifier's log; the text itself goes through a pipe.
    const text = `#line 1 ${JSON.stringify(file)}\n${source}`;
    const [made, rule] = [join(work, "object"), join(work, "inputs")];
    const [warned, found] = await Promise.all([
      runClang(
        [...flags, "-MD", "-MF", rule, "-MT", "object", "-x", "c", "-c", "-", "-o", made],
        name,
        { [file]: source },
        text,
      ).catch(async (error: unknown) => {
        throw error instanceof CompileError ? await explainErrors(error, compiled) : error;
      }),
      generated ? [] : lint(source, file, flags),
    ]);
    const warnings = [...found, ...unsaid(warned, found).map((warning) => withoutSlip(warning, [], source))];
    if (found.some(({ severity }) => severity === "error"))
      throw errorOf(name, warnings, "", compiled, `${name} compiles, but cannot work.`);
    // vmlinux.h lies in a directory that is called by its own hash.
    const inputs = inputsOf(await readFile(rule, "utf8")).filter(
      (path) => !path.startsWith(join(cacheDir(), "vmlinux")),
    );
    const hash = await hashInputs(key, inputs);
    const elf = await readFile(made);
    await rename(made, join(objects, `${hash}.o`));
    await writeWhole(join(objects, `${key}.json`), (to) =>
      writeFile(to, JSON.stringify({ inputs, warnings } satisfies LastTime)),
    );
    return shownShort({ ...compiled, hash, elf, warnings });
  };
  return inScratch("work-", build, objects);
}

/** A cell shows it in a line, not with its source and its bytes. */
export function shownShort(compiled: Compiled): Compiled {
  return Object.defineProperty(compiled, inspect.custom, {
    value: () => `${compiled.name}, compiled; bpf.load(${compiled.name}) loads it`,
  });
}

/** Of clang's warnings those about lines of which nothing better is said. */
const unsaid = (warned: readonly Diagnostic[], found: readonly Diagnostic[]) =>
  warned.filter(({ line }) => !found.some((better) => better.severity === "error" && better.line === line));

/** To be counted up with each change of the checks: what was compiled before has to pass them too. */
const CHECKS = 5;

/** What a compilation of a source read and said. */
interface LastTime {
  inputs: string[];
  warnings: Diagnostic[];
}

async function lastTime(path: string): Promise<LastTime | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LastTime);
}

/** The names of the shipped programs. */
export async function shippedPrograms(): Promise<string[]> {
  const files = await readdir(PROGRAMS_DIR);
  return files
    .filter((f) => f.endsWith(".bpf.c"))
    .map((f) => basename(f, ".bpf.c"))
    .sort();
}

/** Compiles `bpf/NAME.bpf.c`. @throws ArgumentError that lists the programs there are */
export async function compileShipped(name: string): Promise<Compiled> {
  const file = `${name}.bpf.c`;
  const source = /^\w+$/.test(name)
    ? await readFile(join(PROGRAMS_DIR, file), "utf8").catch(() => undefined)
    : undefined;
  if (source === undefined) {
    const names = await shippedPrograms().catch((cause: unknown) => {
      throw new MissingFeatureError("programs", `The shipped programs are missing: ${PROGRAMS_DIR} cannot be read.`, {
        cause,
      });
    });
    throw new ArgumentError(`There is no program ${JSON.stringify(name)}.`, {
      hint: `The shipped programs are ${names.join(", ")}; your own come from bpf.compile().`,
    });
  }
  return compile(source, { name, file });
}
