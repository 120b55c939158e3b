/** Names that a misspelt one may have meant, from the headers that programs include. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KnownNames } from "./advice.js";
import { cDeclaration } from "./c-declaration.js";
import { libbpfDirs } from "./locations.js";
import { vmlinux } from "./vmlinux.js";

const all = (text: string, shape: RegExp) => [...text.matchAll(shape)].map((found) => found[1]!);

/** Reads the running kernel's names and libbpf's: some tens of ms, for a program that does not compile anyway. */
export async function knownNames(): Promise<KnownNames> {
  const { dir } = await vmlinux();
  const types = await readFile(join(dir, "vmlinux.h"), "latin1");
  const headers = await Promise.all(
    libbpfDirs.map((from) => readFile(join(from, "bpf_helper_defs.h"), "latin1").catch(() => "")),
  );
  const helpers = all(headers.join("\n"), /\(\*(?:const )?(bpf_\w+)\)\(/g);
  const declarations = new Map(
    [...headers.join("\n").matchAll(/\(\*(?:const )?(bpf_\w+)\)\(([^)]*)\)/g)].map((found) => [found[1]!, found[2]!]),
  );
  const macros = await Promise.all(
    ["bpf_helpers.h", "bpf_tracing.h", "bpf_core_read.h", "bpf_endian.h"].map(async (header) => {
      const texts = libbpfDirs.map((from) => readFile(join(from, header), "latin1").catch(() => ""));
      return [header, (await Promise.all(texts)).find(Boolean) ?? ""] as const;
    }),
  );
  return {
    headerOf: (name) =>
      macros.find(([, text]) => new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}\\b`, "m").test(text))?.[0],
    parameters: (helper) => declarations.get(helper),
    helpers: [...new Set([...helpers, "bpf_printk", "bpf_htons", "bpf_ntohs", "bpf_htonl", "bpf_ntohl"])],
    types: [...all(types, /^(?:struct|union|enum) (\w+) \{/gm), ...all(types, /^typedef [^\n]*?(\w+);/gm)],
    constants: all(types, /^\t([A-Z][A-Z0-9_]+)(?: = [^\n,]*)?,$/gm),
    isKernelFunction: (name) =>
      new RegExp(`^[0-9a-f]+ [tT] ${name}$`, "m").test(readFileSync("/proc/kallsyms", "latin1")),
    fields(struct) {
      const text = cDeclaration(types, struct) ?? "";
      return all(text, /(\w+)(?:\[[^\]\n]*\])*(?: *: *\d+)?;$/gm);
    },
  };
}
