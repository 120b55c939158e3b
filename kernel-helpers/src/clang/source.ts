import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { displaySymbol, type Displayable } from "../base/display.js";
import { unknownName } from "../base/names.js";
import { shippedPrograms } from "./compile.js";
import { PROGRAMS_DIR } from "./locations.js";

/**
 * The C text of a shipped program, which a notebook shows with highlighting.
 *
 * @throws ArgumentError that lists the programs there are
 * @example
 * await bpf.source("minimal")
 */
export async function source(name: string): Promise<Displayable & { text: string }> {
  const names = await shippedPrograms();
  if (!names.includes(name)) throw unknownName("program", "bpf/", name, names);
  const text = await readFile(join(PROGRAMS_DIR, `${name}.bpf.c`), "utf8");
  return {
    text,
    [displaySymbol]: () => ({ "text/markdown": `\`\`\`c\n${text.trimEnd()}\n\`\`\``, "text/plain": text }),
  };
}
