/**
 * What a cell imports and requires. The user's own modules are loaded here, so that one that was edited is another one
 * for the next cell, and so is each that imports it; packages are Node's affair.
 */
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyboardInterrupt } from "../kernel-errors.js";
import { ownCell, type Cell } from "../interrupt/cell.js";
import { isBare, isInstalled } from "./package-paths.js";
import { namespaceOf } from "./interop.js";
import { stampOf } from "./kept.js";
import { compileModule, type Code } from "./local-module.js";
import type { Packages } from "./packages.js";
import type { CellService } from "./service.js";
import type { CellStacks } from "./cell-stacks.js";

/** A module of the user's that was loaded, or is being. */
interface Loaded {
  path: string;
  stamp: string;
  module: { exports: unknown };
  imports: Set<string>;
  done: boolean;
  /** The cell that loads it: one that was stopped never comes to the end. */
  cell: Cell | undefined;
  finished?: Promise<unknown>;
  waitsFor?: Loaded;
}

export class Modules {
  readonly #service: CellService;
  readonly #packages: Packages;
  readonly #stacks: CellStacks;
  readonly #loaded = new Map<string, Loaded>();
  /** Where a cell stands: a file that is not there, in the notebook's directory. */
  readonly #cellFile: string;

  constructor(service: CellService, packages: Packages, stacks: CellStacks) {
    this.#service = service;
    this.#packages = packages;
    this.#stacks = stacks;
    this.#cellFile = join(service.directory, "cell.ts");
  }

  /** Loads what a cell imports, one after another. */
  async load(specifiers: readonly string[]): Promise<unknown[]> {
    const loaded: unknown[] = [];
    for (const one of specifiers) loaded.push(await this.#import(one, this.#cellFile, []));
    return loaded;
  }

  /** `import()` in a cell or a module of the user's. */
  async import(specifier: unknown, from = this.#cellFile): Promise<object> {
    const id = String(specifier);
    if (/^(?!node:|file:)[a-z][a-z+.-]*:/i.test(id)) return namespaceOf(await this.#packages.url(id, from));
    return namespaceOf(await this.#import(id.startsWith("file:") ? fileURLToPath(id) : id, from, []));
  }

  /** `require` in a cell or a module of the user's. */
  require(id: string, from = this.#cellFile): unknown {
    const path = this.#find(id, from);
    return path === undefined ? this.#packages.require(id, from) : this.#loadNow(path);
  }

  /** Forgets the modules that were edited, and those that import them. */
  refresh(): void {
    const stale = new Set<string>();
    for (const { path, stamp } of this.#loaded.values()) if (this.#stamp(path) !== stamp) stale.add(path);
    for (let before = -1; before !== stale.size && stale.size > 0;) {
      before = stale.size;
      for (const { path, imports } of this.#loaded.values())
        if ([...imports].some((one) => stale.has(one))) stale.add(path);
    }
    for (const path of stale) this.#loaded.delete(path);
  }

  /** The file of one of the user's own modules; undefined for a package. */
  #find(id: string, from: string): string | undefined {
    const found = this.#service.resolver.find(id, from);
    if (!found || isInstalled(found.resolvedFileName)) return undefined;
    if (found.isExternalLibraryImport && isBare(id) && !id.startsWith("#")) return undefined;
    const path = found.resolvedFileName;
    return /\.d\.[cm]?ts$/.test(path) ? scriptOf(path) : path;
  }

  async #import(id: string, from: string, chain: readonly Loaded[]): Promise<unknown> {
    const path = this.#find(id, from);
    return path === undefined ? this.#packages.load(id, from) : this.#loadModule(path, chain);
  }

  async #loadModule(path: string, chain: readonly Loaded[]): Promise<unknown> {
    const known = this.#known(path);
    if (known?.done) return known.module.exports;
    if (known) {
      const waiter = chain.at(-1);
      if (!known.finished || chain.includes(last(known))) return known.module.exports; // imports that form a circle
      if (waiter) waiter.waitsFor = known;
      await known.finished;
      if (waiter) delete waiter.waitsFor;
      return known.module.exports;
    }
    const [loaded, code] = this.#begin(path);
    if (code) {
      loaded.finished = this.#run(loaded, code, [...chain, loaded]);
      await loaded.finished;
    }
    return loaded.module.exports;
  }

  async #run(loaded: Loaded, code: Code, chain: readonly Loaded[]): Promise<void> {
    try {
      for (const id of code.imports) {
        const path = this.#find(id, loaded.path);
        if (path !== undefined) loaded.imports.add(path);
        await this.#import(id, loaded.path, chain);
      }
      if (loaded.cell?.abandoned) throw new KeyboardInterrupt();
      await this.#call(loaded, code);
      loaded.done = true;
    } catch (error) {
      this.#loaded.delete(loaded.path);
      throw error;
    }
  }

  /** Loads a module whose code can run at once. */
  #loadNow(path: string): unknown {
    const known = this.#known(path);
    if (known) return known.module.exports;
    const [loaded, code] = this.#begin(path);
    try {
      if (code?.isAsync) throw new Error(`${path} has a top-level await, so it cannot be required: import it.`);
      if (code) this.#call(loaded, code);
      loaded.done = true;
    } catch (error) {
      this.#loaded.delete(path);
      throw error;
    }
    return loaded.module.exports;
  }

  #call(loaded: Loaded, code: Code): unknown {
    const { path, module } = loaded;
    const require = (id: string): unknown => {
      const found = this.#find(id, path);
      if (found !== undefined) loaded.imports.add(found);
      return this.require(id, path);
    };
    return code.run(module.exports, require, module, (id) => this.import(id, path));
  }

  #known(path: string): Loaded | undefined {
    const known = this.#loaded.get(path);
    return known && !known.done && known.cell?.abandoned ? undefined : known;
  }

  /** Reads a module; what is no code is done with that. */
  #begin(path: string): [Loaded, Code?] {
    const loaded: Loaded = {
      path,
      stamp: this.#stamp(path),
      module: { exports: {} },
      imports: new Set(),
      done: false,
      cell: ownCell(),
    };
    const source = this.#service.virtualFile(path) ?? readFileSync(path, "utf8");
    if (extname(path) === ".json") {
      loaded.module.exports = parsed(path, source);
      loaded.done = true;
      this.#loaded.set(path, loaded);
      return [loaded];
    }
    const code = compileModule(path, source, this.#service.options);
    this.#stacks.rememberFile(path, { name: this.#service.shown(path), source, map: code.map });
    this.#loaded.set(path, loaded);
    return [loaded, code];
  }

  #stamp(path: string): string {
    return this.#service.virtualFile(path) ?? stampOf(path);
  }
}

function last(loaded: Loaded): Loaded {
  const seen = new Set<Loaded>();
  let at = loaded;
  while (at.waitsFor && !seen.has(at)) {
    seen.add(at);
    at = at.waitsFor;
  }
  return at;
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${path}: ${(error as Error).message}`);
  }
}

/** The code that declarations beside it are about. */
function scriptOf(declarations: string): string {
  return declarations.replace(/\.d\.([cm]?)ts$/, ".$1js");
}
