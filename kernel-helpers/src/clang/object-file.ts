import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { ArgumentError } from "../base/errors.js";
import { isNativeError, native } from "../base/native.js";
import { refuseUnknownOptions } from "../base/names.js";
import { inScratch } from "../base/scratch.js";
import { shownShort, type Compiled } from "./compile.js";
import { cacheDir } from "./locations.js";

/** What `bpf.open` can be told. */
export interface OpenOptions {
  /** What its handle goes by; by default the file's name without .bpf.o, with `_` for what no name can hold. */
  name?: string;
}

/**
 * A compiled BPF program from an object file, such as another project's build makes; `load` loads it. If it was not
 * stripped of its debug information, its rings are read by the types of their records.
 *
 * @throws ArgumentError for a file that cannot be read or is not a BPF object
 * @example
 * const tool = await bpf.load(await bpf.open("tool.bpf.o"));
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Compiled> {
  refuseUnknownOptions("open", options, ["name"]);
  const file = basename(path);
  const { name = file.replace(/(\.bpf)?\.o$/, "").replace(/\W/g, "_") } = options;
  const elf = await readFile(path).catch((cause: unknown) => {
    throw new ArgumentError(`bpf.open: the file ${path} cannot be read.`, { cause });
  });
  await requireSurvivable(elf, file);
  return compiledFrom(elf, name, file);
}

/** What `bpf.link` is told of several parts. */
export interface LinkOptions {
  /** What the handle of the whole goes by. */
  name: string;
}

/**
 * One program from several that were compiled apart: what one declares `extern` another defines, and a map that all
 * of them define is one map.
 *
 * @throws ArgumentError that says what does not fit together
 * @example
 * const whole = await bpf.link([await bpf.compile(a, { name: "a" }), await bpf.compile(b, { name: "b" })], { name: "whole" });
 */
export async function link(parts: readonly Compiled[], options: LinkOptions): Promise<Compiled> {
  refuseUnknownOptions("link", options, ["name"]);
  const { name } = options;
  if (parts.length === 0) throw new ArgumentError("bpf.link: expected at least one compiled program, got none.");
  const objects = join(cacheDir(), "objects");
  await mkdir(objects, { recursive: true, mode: 0o700 });
  const build = async (work: string) => {
    const inputs = parts.map((part, i) => join(work, `${i}-${part.name}.o`));
    await Promise.all(parts.map(({ elf }, i) => writeFile(inputs[i]!, elf)));
    const output = join(work, "whole.o");
    try {
      native.bpf_linker(output, inputs);
    } catch (cause) {
      if (!isNativeError(cause)) throw cause;
      const told = cause.log
        .trim()
        .split("\n")
        .at(-1)
        ?.replace(/^libbpf: /, "");
      throw new ArgumentError(
        `${parts.map((part) => part.name).join(", ")} cannot be linked: ${told || cause.message}.`,
        {
          cause,
        },
      );
    }
    const linked = compiledFrom(await readFile(output), name, `${name}.bpf.o`);
    return Object.assign(linked, { source: parts.map(({ source }) => source).join("\n") });
  };
  return inScratch("work-", build, objects);
}

const PROBE = fileURLToPath(new URL("object-probe.js", import.meta.url));

/** What was not compiled here is opened by another process first: a damaged object must not take the notebook with it. */
async function requireSurvivable(elf: Buffer, file: string): Promise<void> {
  const { signal, timedOut } = await execa(process.execPath, [PROBE], {
    input: elf,
    reject: false,
    stdout: "ignore",
    stderr: "ignore",
    timeout: 20_000,
  });
  if (timedOut) throw new ArgumentError(`${file} is not a BPF object that libbpf can open: it did not finish in 20 s.`);
  if (signal !== undefined)
    throw new ArgumentError(`${file} is damaged: libbpf crashes when it opens it (${signal}).`, {
      hint: "Compile it again. If somebody gave it to you, do not load it anywhere.",
    });
}

function compiledFrom(elf: Buffer, name: string, file: string): Compiled {
  if (!/^[A-Za-z]\w*$/.test(name))
    throw new ArgumentError(
      `name: expected letters, digits and _, beginning with a letter, got ${JSON.stringify(name)}.`,
    );
  try {
    native.bpf_object__close(native.bpf_object__open_mem(elf, name));
  } catch (cause) {
    if (!isNativeError(cause)) throw cause;
    const told = cause.log
      .trim()
      .split("\n")[0]
      ?.replace(/^libbpf: /, "");
    throw new ArgumentError(`${file} is not a BPF object that libbpf can open: ${told || cause.message}.`, { cause });
  }
  const hash = createHash("sha256").update(elf).digest("hex");
  return shownShort({ name, elf, hash, source: "", file, place: undefined, warnings: [] });
}
