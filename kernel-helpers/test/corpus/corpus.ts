import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bpf, type BpfObject } from "../../dist/api/index.js";

const directory = join(import.meta.dirname, "../../test/corpus");

/** The C text of a small program of this directory. */
export function corpusSource(name: string): Promise<string> {
  return readFile(join(directory, `${name}.bpf.c`), "utf8");
}

/** Loads one of them, as it is. */
export async function loadCorpus(name: string, options: Parameters<typeof bpf.load>[1] = {}): Promise<BpfObject> {
  return bpf.load(await bpf.compile(await corpusSource(name), { name }), options);
}
