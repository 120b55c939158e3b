/**
 * Runs cells with tslab's executor and our converter.
 *
 * The executor reports through a console: the last value through `log`, an error through `error`.
 */
import { join } from "node:path";
import vm from "node:vm";
import type { ConvertResult, Diagnostic } from "tslab/dist/converter.js";
import type { Executor } from "tslab/dist/executor.js";
import { currentCell, inMacrotask, runningCell, type Cell } from "../interrupt/cell.js";
import { criticalSection } from "../../base/critical-section.js";
import { alive } from "../process/ownership.js";
import { CellConverter, type Converted } from "./converter.js";
import { offerDebugging } from "./debugging.js";
import { typeScriptError } from "./type-errors.js";
import { namespaceOf, withDefault } from "./interop.js";
import { metaOf } from "./local-module.js";
import { Modules } from "./modules.js";
import { Packages } from "./packages.js";
import { scriptName, type CellStacks } from "./cell-stacks.js";
import { loadExecutor } from "./tslab.js";

/** How a cell's code ended. */
export type Outcome = { ok: true; value?: { of: unknown } } | { ok: false; error: unknown };

/** What the executor puts before the code, on its first line. */
const wrapper = { async: "(async function(exports, require) { ", sync: "(function(exports, require) { " };

interface Run {
  id: number;
  cell: Cell;
  source: string;
  diagnostics: readonly Diagnostic[];
  converted?: Converted;
  value?: { of: unknown };
  error?: { of: unknown };
}

/** What the code of cells refers to. */
interface CellHost {
  require: NodeJS.Require;
  [name: string]: unknown;
}

export class Runner {
  readonly converter: CellConverter;
  readonly #stacks: CellStacks;
  readonly #executor: Executor;
  readonly #packages: Packages;
  readonly #modules: Modules;
  readonly #running = new WeakMap<Cell, Run>();
  /** The objects that hold the values of cells' names, by the cell's number. */
  readonly #scopes = new Map<number, Record<string, unknown>>();
  #runs = 0;

  constructor(stacks: CellStacks) {
    this.#stacks = stacks;
    const directory = process.cwd();
    this.converter = new CellConverter(directory);
    leaveSigintAlone();
    const node = this.converter.forExecutor(
      (source) => criticalSection(() => this.#convert(source)),
      (name, content) =>
        criticalSection(() => (this.#current().diagnostics = this.converter.addModule(name, content))) as never,
    );
    const report = {
      log: (value: unknown) => void (this.#current().value = { of: value }),
      error: (error: unknown) => void (this.#current().error = { of: error }),
    };
    // No converter for browsers: such cells have no place to run in.
    this.#executor = loadExecutor().createExecutor(
      directory,
      { node, browser: node, close: () => node.close() } as never,
      report as never,
    );
    const host = (globalThis as unknown as { __tslab__: CellHost }).__tslab__;
    this.#packages = new Packages(host.require);
    this.#modules = new Modules(this.converter.service, this.#packages, stacks);
    host.require = this.#requireOf(host.require);
    Object.assign(host, {
      alive,
      withDefault,
      namespaceOf,
      meta: metaOf(join(directory, "cell.ts")),
      load: (specifiers: string[]) => this.#modules.load(specifiers),
      import: (specifier: unknown) => this.#modules.import(specifier),
      scope: (cell: number) => this.#scope(cell),
    });
    offerDebugging(stacks, { names: () => this.#names(), scope: (home) => this.#scope(home) });
  }

  /** Loads what nearly every notebook imports first, while the user still reads: its types take most of a second, its code too. */
  warmUp(): void {
    criticalSection(() => this.converter.convert('import * as helpers from "kernel-helpers"; helpers;'));
    this.#packages.loadHelpers();
  }

  /** Runs TypeScript as the cell's code, or as a part of it such as a user expression. */
  async run(cell: Cell, source = cell.code): Promise<Outcome> {
    const run: Run = { id: ++this.#runs, cell, source, diagnostics: [] };
    this.#running.set(cell, run);
    try {
      await inMacrotask(cell, () => this.#executor.execute(source));
    } catch (error) {
      this.#executor.interrupt(); // lets go of a cell that awaits; nobody waits for its end
      this.#commit(run, false);
      return { ok: false, error };
    }
    if (run.diagnostics.length > 0) return { ok: false, error: typeScriptError(source, run.diagnostics) };
    this.#commit(run, !run.error);
    if (run.error) return { ok: false, error: run.error.of };
    return run.value ? { ok: true, value: run.value } : { ok: true };
  }

  /** Later cells have what a cell declares; of one that failed, what it had defined before. */
  #commit({ converted }: Run, isWhole: boolean): void {
    if (!converted?.output) return;
    criticalSection(() => {
      const scope = this.#scopes.get(converted.cell);
      const imported = new Set(converted.declared.filter(({ value }) => value === "import").map(({ name }) => name));
      const isThere = (name: string): boolean =>
        isWhole || (scope !== undefined && (imported.has(name) || Object.hasOwn(scope, name)));
      this.converter.commit(converted, isThere);
      const used = this.converter.homes();
      for (const cell of this.#scopes.keys()) if (!used.has(cell)) this.#scopes.delete(cell);
    });
  }

  /** The names of the notebook, those of the cell that runs included, and the scope objects that hold their values. */
  #names(): [name: string, home: number][] {
    const running = runningCell();
    const converted = running && this.#running.get(running)?.converted;
    return [...this.converter.values(), ...(converted ? this.converter.valuesOf(converted) : [])];
  }

  #scope(cell: number): Record<string, unknown> {
    const scope = this.#scopes.get(cell) ?? {};
    this.#scopes.set(cell, scope);
    return scope;
  }

  /** The run that the code on the stack belongs to; a cell let go of still finds its own. */
  #current(): Run {
    return this.#running.get(currentCell()!)!;
  }

  #convert(source: string): ConvertResult {
    const run = this.#current();
    this.#packages.forget(this.converter.service.refresh());
    this.#modules.refresh();
    const converted = this.converter.convert(source);
    run.diagnostics = converted.diagnostics;
    run.converted = converted;
    if (!converted.output) return converted;
    this.#stacks.remember(run.id, {
      count: run.cell.count,
      source,
      map: converted.map,
      runOffset: (converted.hasToplevelAwait ? wrapper.async : wrapper.sync).length,
      runLines: converted.output.split("\n").length,
    });
    // V8 stops before what says that it has a source map, for the debugger to set its breakpoints.
    const about = `//# sourceURL=${scriptName(run.id)}\n//# sourceMappingURL=bpflab:`;
    return { ...converted, output: `${converted.output}\n${about}` };
  }

  /** `require` as cells have it. */
  #requireOf(original: NodeJS.Require): NodeJS.Require {
    const file = join(process.cwd(), "cell.ts");
    const resolve = Object.assign((id: string, options?: object) => this.#packages.resolve(id, file, options), {
      paths: original.resolve.paths,
    });
    return new Proxy(original, {
      apply: (_target, _self, [id]: [string]) => this.#modules.require(id),
      get: (target, name) => (name === "resolve" ? resolve : (Reflect.get(target, name) as unknown)),
    });
  }
}

/**
 * The executor asks node:vm to end code at a SIGINT. The wire does that, and not only before the first await;
 * and node:vm leaves a handler behind that would end the process, because it knows nothing of the wire's.
 */
function leaveSigintAlone(): void {
  const { runInThisContext } = vm;
  vm.runInThisContext = (code, options) =>
    runInThisContext(code, typeof options === "object" ? { ...options, breakOnSigint: false } : options) as unknown;
}
