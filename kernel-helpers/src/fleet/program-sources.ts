import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { ownDirectory } from "../base/own-directory.js";
import { compile, type Compiled } from "../clang/compile.js";
import { programsDir } from "../clang/locations.js";

/** The programs that an agent loads: those that bpflab ships, and those in a directory of the host's admin. */
export class ProgramSources {
  readonly #paths = new Map<string, string>();

  /** @throws ArgumentError for a directory that is not there; BpflabError for one that others can write to */
  constructor(directory?: string) {
    if (directory !== undefined && !existsSync(directory))
      throw new ArgumentError(`The directory of programs ${directory} does not exist.`);
    for (const dir of directory === undefined ? [programsDir] : [programsDir, ownDirectory(directory)])
      for (const file of readdirSync(dir)) {
        const name = /^([A-Za-z]\w*)\.bpf\.c$/.exec(file)?.[1];
        if (name !== undefined) this.#paths.set(name, join(dir, file));
      }
  }

  get names(): string[] {
    return [...this.#paths.keys()].sort();
  }

  /** @throws ArgumentError for a name that is not among them; what `compile` throws */
  async compile(name: string): Promise<Compiled> {
    const path = this.#paths.get(name);
    if (path === undefined)
      throw new ArgumentError(`This agent does not load ${JSON.stringify(name)}.`, {
        hint: `It loads ${listNames(this.names)}; the host's admin can name a directory with more.`,
      });
    return compile(await readFile(path, "utf8"), { name, file: `${name}.bpf.c` });
  }
}
