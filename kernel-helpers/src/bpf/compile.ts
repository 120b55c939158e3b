import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ArgumentError, MissingFeatureError } from "../errors.js";
import { clangVersion, runClang } from "./clang.js";
import type { Diagnostic } from "./diagnostics.js";
import { cacheDir, includeDir, programsDir } from "./paths.js";
import { targetFlags, vmlinux, writeWhole } from "./vmlinux.js";

/** A compiled program: an ELF object with BTF, not yet in the kernel. */
export interface Compiled {
  /** The name its handle goes by. */
  name: string;
  /** The ELF file. */
  elf: Buffer;
  /** Hash of all that went in: source, headers, compiler, flags. Equal hashes mean equal objects. */
  hash: string;
  /** The C text, and the name under which messages refer to it. */
  source: string;
  file: string;
  warnings: Diagnostic[];
}

export interface CompileOptions {
  /** Name of the program; a letter first, then letters, digits and `_`. */
  name: string;
  /** How messages call the source; by default NAME.bpf.c. */
  file?: string;
  /** More directories to search for headers. */
  include?: string[];
}

// Where Debian keeps asm/, which <linux/bpf.h> needs: clang looks there for its own machine, not for BPF.
const triple = ({ x64: "x86_64", arm64: "aarch64", s390x: "s390x", ppc64: "powerpc64le", riscv64: "riscv64" } as Record<string, string>)[process.arch];
const machineHeaders = triple ? ["-idirafter", `/usr/include/${triple}-linux-gnu`] : [];

// Whoever includes one of these gets the precompiled kernel types before the first line.
const wantsKernelTypes = /^\s*#\s*include\s*[<"](?:vmlinux|bpflab)\.h[">]/m;

/** clang's flags for a source: the target's, the include path, and the precompiled kernel types if the source wants them. */
export async function compilerFlags(source: string, includes: string[] = [includeDir, programsDir]): Promise<string[]> {
  const types = wantsKernelTypes.test(source) ? await vmlinux() : undefined;
  return [...targetFlags, "-Wall", ...includes.flatMap((dir) => ["-I", dir]), ...machineHeaders, ...(types ? ["-I", types.dir, "-include-pch", types.pch] : [])];
}

async function headersOf(dirs: string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const dir of dirs) {
    const names = await readdir(dir).catch((cause: unknown) => {
      throw new ArgumentError(`include: the directory ${dir} cannot be read.`, { cause });
    });
    for (const name of names.filter((n) => n.endsWith(".h")).sort()) {
      texts.push(name, await readFile(join(dir, name), "utf8"));
    }
  }
  return texts;
}

/**
 * Compiles BPF C for the running kernel. `vmlinux.h`, `bpflab.h` and libbpf's headers can be included.
 * A source compiled before comes from the cache.
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
  const { name, file = `${name}.bpf.c`, include = [] } = options;
  if (!/^[A-Za-z]\w*$/.test(name)) throw new ArgumentError(`A program's name is letters, digits and _, a letter first; got ${JSON.stringify(name)}.`);
  const includes = [...include, includeDir, programsDir];
  const flags = await compilerFlags(source, includes);
  const hash = createHash("sha256")
    .update(JSON.stringify([source, file, flags, await clangVersion(), await headersOf(includes)]))
    .digest("hex");
  const cached = join(cacheDir(), "objects", `${hash}.o`);
  const compiled = { name, hash, source, file };
  const said = join(cacheDir(), "objects", `${hash}.warnings.json`);
  const before = await readFile(cached).catch(() => undefined);
  if (before) return { ...compiled, elf: before, warnings: JSON.parse(await readFile(said, "utf8").catch(() => "[]")) as Diagnostic[] };

  let warnings: Diagnostic[] = [];
  // A #line directive names the source in messages and in the verifier's log; the text itself goes through a pipe.
  const text = `#line 1 ${JSON.stringify(file)}\n${source}`;
  await writeWhole(cached, async (to) => {
    warnings = await runClang([...flags, "-x", "c", "-c", "-", "-o", to], name, { [file]: source }, text);
    if (warnings.length > 0) await writeWhole(said, (path) => writeFile(path, JSON.stringify(warnings)));
  });
  return { ...compiled, elf: await readFile(cached), warnings };
}

/** The names of the shipped programs. */
export async function shippedPrograms(): Promise<string[]> {
  const files = await readdir(programsDir);
  return files.filter((f) => f.endsWith(".bpf.c")).map((f) => basename(f, ".bpf.c")).sort();
}

/** Compiles `bpf/NAME.bpf.c`. @throws ArgumentError that lists the programs there are */
export async function compileShipped(name: string): Promise<Compiled> {
  const file = `${name}.bpf.c`;
  const source = /^\w+$/.test(name) ? await readFile(join(programsDir, file), "utf8").catch(() => undefined) : undefined;
  if (source === undefined) {
    const names = await shippedPrograms().catch((cause: unknown) => {
      throw new MissingFeatureError("programs", `The shipped programs are not there: ${programsDir} cannot be read.`, { cause });
    });
    throw new ArgumentError(`There is no program ${JSON.stringify(name)}.`, { hint: `The shipped programs are ${names.join(", ")}; your own come from bpf.compile().` });
  }
  return compile(source, { name, file });
}
