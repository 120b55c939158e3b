import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { ownDirectory } from "../base/own-directory.js";
import { compile, type Compiled } from "../clang/compile.js";
import { PROGRAMS_DIR } from "../clang/locations.js";

/** The programs that an agent loads: those that bpflab ships, and those in a directory of the host's admin. */
export class ProgramSources {
  readonly #paths = new Map<string, string>();
  readonly #takesSource: boolean;

  /**
   * @param takesSource whether it compiles C text of a notebook, too
   * @throws ArgumentError for a directory that is not there; BpflabError for one that others can write to
   */
  constructor(directory?: string, takesSource = false) {
    this.#takesSource = takesSource;
    if (directory !== undefined && !existsSync(directory))
      throw new ArgumentError(`The directory of programs ${directory} does not exist.`);
    for (const dir of directory === undefined ? [PROGRAMS_DIR] : [PROGRAMS_DIR, ownDirectory(directory)])
      for (const file of readdirSync(dir)) {
        const name = /^([A-Za-z]\w*)\.bpf\.c$/.exec(file)?.[1];
        if (name !== undefined) this.#paths.set(name, join(dir, file));
      }
  }

  get names(): string[] {
    return [...this.#paths.keys()].sort();
  }

  /** @throws ArgumentError for a name that is not among them, or text that it does not take; what `compile` throws */
  async compile(name: string, source?: string): Promise<Compiled> {
    if (source !== undefined) {
      this.requireSource(name);
      return compile(source, { name, file: `${name}.bpf.c` });
    }
    const path = this.#paths.get(name);
    if (path === undefined)
      throw new ArgumentError(`This agent does not load ${JSON.stringify(name)}.`, {
        hint: `It loads ${listNames(this.names)}; the host's admin can name a directory with more.`,
      });
    return compile(await readFile(path, "utf8"), { name, file: `${name}.bpf.c` });
  }

  /** @throws ArgumentError when it takes no programs from outside */
  requireSource(name: string): void {
    if (this.#takesSource) return;
    throw new ArgumentError(`This agent takes no programs or probes from outside, and ${name} is one.`, {
      hint: "The host's admin can allow it (bpflab agent --allow-source), or put it into the directory of programs.",
    });
  }
}
