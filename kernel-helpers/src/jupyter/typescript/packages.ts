/** Packages for cells and local modules: those of the notebook's directory first, then those this kernel came with. */
import { existsSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { isBare, nodeModulesOf, PACKAGE_ROOT } from "./package-paths.js";
import { connectDisplays } from "./tslab.js";
import { outsideCells } from "../interrupt/cell.js";
import { ownSubscriptions, type Subscribable } from "../process/ownership.js";

const OURS = join(PACKAGE_ROOT, "dist/api/index.js");
const ours = createRequire(OURS);

/** What `require` says of packages that only `import()` can load. */
const importOnly = new Set(["ERR_REQUIRE_ASYNC_MODULE", "ERR_REQUIRE_ESM", "ERR_PACKAGE_PATH_NOT_EXPORTED"]);

const codeOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;

function isMissing(error: unknown, id: string): boolean {
  return (
    codeOf(error) === "MODULE_NOT_FOUND" && String((error as Error).message).startsWith(`Cannot find module '${id}'`)
  );
}

/** Node's own `import()`, as a module at a place would call it. */
function importFrom(file: string): (specifier: string) => Promise<unknown> {
  return vm.runInThisContext("(specifier) => import(specifier)", {
    filename: pathToFileURL(file).href,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (specifier: string) => Promise<unknown>;
}

export class Packages {
  /** Packages that only `import()` can load, by directory and name. */
  readonly #imported = new Map<string, unknown>();
  /** tslab's own `require`, which knows tslab. */
  readonly #tslab: NodeJS.Require;
  #ownsRxjs = false;

  constructor(tslab: NodeJS.Require) {
    this.#tslab = tslab;
  }

  /** Loads a package for a file, if that can be done at once. */
  require(id: string, file: string): unknown {
    const key = `${dirname(file)}\0${id}`;
    if (this.#imported.has(key)) return this.#imported.get(key);
    this.#ownRxjs(id);
    if (id === "node:test") prepareTests();
    if (id === "kernel-helpers") return ours(id); // always our own: another copy would not know this kernel
    if (id === "tslab") {
      connectDisplays();
      return this.#tslab(id) as unknown;
    }
    const here = createRequire(file);
    if (!isBare(id) || isThere(id, file)) {
      try {
        return here(id) as unknown;
      } catch (error) {
        if (!isBare(id) || !isMissing(error, id)) throw error;
      }
    }
    try {
      return ours(id) as unknown;
    } catch (error) {
      throw isMissing(error, id) ? missing(id, file) : error;
    }
  }

  /** Where `require` finds a package for a file. */
  resolve(id: string, file: string, options?: { paths?: string[] }): string {
    try {
      return createRequire(file).resolve(id, options);
    } catch (error) {
      if (!isBare(id) || !isMissing(error, id)) throw error;
      return ours.resolve(id, options);
    }
  }

  /** Loads a package for a file. */
  async load(id: string, file: string): Promise<unknown> {
    try {
      return this.require(id, file);
    } catch (error) {
      if (!importOnly.has(codeOf(error) ?? "")) throw error;
      const loaded = await importFrom(!isBare(id) || isThere(id, file) ? file : OURS)(id);
      this.#imported.set(`${dirname(file)}\0${id}`, loaded);
      return loaded;
    }
  }

  /** Forgets packages that were installed again; what `import()` loaded Node keeps for ever. @param directories of the packages */
  forget(directories: readonly string[]): void {
    if (directories.length === 0) return;
    this.#imported.clear();
    const { cache } = ours;
    for (const path of Object.keys(cache))
      if (directories.some((one) => path.startsWith(`${one}/`))) Reflect.deleteProperty(cache, path);
  }

  /** Loads what an address names, such as `data:text/javascript,…`. */
  url(address: string, file: string): Promise<unknown> {
    return importFrom(file)(address);
  }

  /** Loads the package that nearly every notebook imports, ahead of its first import. */
  loadHelpers(): void {
    try {
      this.require("kernel-helpers", OURS);
    } catch {
      // The cell that imports it will say what is wrong.
    }
  }

  /** The first import of what uses RxJS loads it anyway. */
  #ownRxjs(id: string): void {
    if (this.#ownsRxjs || !(id === "kernel-helpers" || id.startsWith("rxjs"))) return;
    this.#ownsRxjs = true;
    ownSubscriptions((ours("rxjs") as { Observable: Subscribable }).Observable);
  }
}

/**
 * Node's test runner prints all results where it is first asked to test something: that is not to be the first cell that
 * tests. And it takes every error that nobody catches for its own, from then on: those are the cells'.
 */
function prepareTests(): void {
  if (areTestsPrepared) return;
  areTestsPrepared = true;
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as "exit")));
  outsideCells(() => (ours("node:test") as typeof import("node:test")).after(() => {}));
  for (const [i, event] of events.entries())
    for (const listener of process.listeners(event as "exit"))
      if (!before[i]!.has(listener)) process.removeListener(event, listener);
}
let areTestsPrepared = false;

/** Node remembers for ever that a package was missing when it first looked for it, so it is not asked. */
function isThere(id: string, file: string): boolean {
  const name = id.split("/", id.startsWith("@") ? 2 : 1).join("/");
  return isBuiltin(id) || nodeModulesOf(dirname(file)).some((root) => existsSync(join(root, name)));
}

function missing(id: string, file: string): Error {
  const error = new Error(
    `Cannot find package '${id}' in ${dirname(file)} or above it. Install it with: npm install ${id}`,
  );
  return Object.assign(error, { code: "MODULE_NOT_FOUND" });
}
