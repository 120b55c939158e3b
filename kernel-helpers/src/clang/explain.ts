/** What a name in BPF C stands for: its declaration, and the comment above it. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { completeC } from "./complete.js";
import { cDeclaration } from "./c-declaration.js";
import { INCLUDE_DIR, libbpfDirs, PROGRAMS_DIR } from "./locations.js";
import { vmlinux } from "./vmlinux.js";

/** The kernel's helpers with their documentation, and macros around them. */
const libbpfHeaders = ["bpf_helper_defs.h", "bpf_helpers.h", "bpf_core_read.h", "bpf_tracing.h", "bpf_endian.h"];

const texts = new Map<string, Promise<string>>();

/** A header that does not change while this process runs; empty when it is not there. */
function header(path: string): Promise<string> {
  const text = texts.get(path) ?? readFile(path, "latin1").catch(() => "");
  texts.set(path, text);
  return text;
}

async function ownHeaders(): Promise<string[]> {
  const inDir = async (dir: string) =>
    (await readdir(dir).catch(() => [])).filter((name) => name.endsWith(".h")).map((name) => join(dir, name));
  const paths = (await Promise.all([INCLUDE_DIR, PROGRAMS_DIR].map(inDir))).flat();
  return Promise.all(paths.map((path) => readFile(path, "utf8")));
}

/**
 * The declaration of the name at a place in C: of the text itself, of bpflab.h, a helper with its
 * documentation, a type or constant of the running kernel; for fields and local variables, the type.
 *
 * @param source the whole C text
 * @param offset of any character of the name, or of the one behind it
 * @returns undefined when there is no name, or nothing is known of it
 * @throws MissingFeatureError without clang or BTF
 * @example
 * await explainC(source, source.indexOf("task_struct"))  // "struct task_struct {\n\tstruct thread_info thread_info; …"
 */
export async function explainC(source: string, offset: number): Promise<string | undefined> {
  const word = /\w*$/.exec(source.slice(0, offset))![0] + /^\w*/.exec(source.slice(offset))![0];
  if (!/^[A-Za-z_]\w*$/.test(word)) return undefined;
  const end = offset + /^\w*/.exec(source.slice(offset))![0].length;
  const before = source.slice(0, end - word.length);
  const isField = /(?:->|\.)\s*$/.test(before);
  if (!isField) {
    const declared = await declarationOf(word, source);
    if (declared) return declared;
  }
  return typeAt(source, end, word);
}

async function declarationOf(word: string, source: string): Promise<string | undefined> {
  const own = cDeclaration(source, word);
  if (own) return own;
  for (const text of await ownHeaders()) {
    const found = cDeclaration(text, word);
    if (found) return found;
  }
  for (const name of libbpfHeaders) {
    for (const dir of libbpfDirs) {
      const found = cDeclaration(await header(join(dir, name)), word);
      if (found) return found;
    }
  }
  const { dir } = await vmlinux();
  return cDeclaration(await header(join(dir, "vmlinux.h")), word);
}

/** What clang says of a name that is only known where it stands. */
async function typeAt(source: string, end: number, word: string): Promise<string | undefined> {
  const before = source.slice(0, end);
  const line = before.split("\n").length;
  const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1)) + 1;
  const item = (await completeC(source, line, column)).find(({ text }) => text === word);
  if (!item) return undefined;
  return item.type.includes("(") ? item.type.replace("(", ` ${word}(`) : `${item.type} ${word}`.trim();
}
