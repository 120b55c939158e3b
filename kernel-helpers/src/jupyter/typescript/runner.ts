/**
 * Runs cells with tslab's converter and executor.
 *
 * The executor reports through a console: the last value through `log`, an error
 * through `error`. Its converter is wrapped, to see the diagnostics and the code
 * before it runs.
 */
import { createRequire } from "node:module";
import vm from "node:vm";
import type { Converter, ConvertResult, Diagnostic, DiagnosticPos } from "tslab/dist/converter.js";
import type { Executor } from "tslab/dist/executor.js";
import { currentCell, inTurn, type Cell } from "../interrupt/cell.js";
import { createCompiler, type Compiler } from "./compiler.js";
import { withoutNames } from "./declarations.js";
import { typeScriptError } from "./diagnostics.js";
import { alive } from "../process/ownership.js";
import { cellRequire, loadHelpers, preload } from "./modules.js";
import { protect } from "../interrupt/critical-section.js";
import { scriptName, type Tracebacks } from "./traceback.js";

/** How a cell's code ended. */
export type Outcome = { ok: true; value?: { of: unknown } } | { ok: false; error: unknown };

/**
 * tslab looks for a top-level `await` without parsing for one, and reads `await (x)`
 * as a call and `for await` as an error; a plain one before them puts it right.
 */
const AWAIT = "await null; ";
/** What the executor puts before the code, on its first line. */
const WRAPPER = { async: "(async function(exports, require) { ", sync: "(function(exports, require) { " };

interface Run {
  id: number;
  /** Variables without a value when the run began. */
  unset: ReadonlySet<string>;
  /** Declarations before the cell and with it, once it was converted. */
  declarations?: { before: string; after: string };
  cell: Cell;
  source: string;
  diagnostics: readonly Diagnostic[];
  value?: { of: unknown };
  error?: { of: unknown };
}

export class Runner {
  readonly #tracebacks: Tracebacks;
  readonly #compiler: Compiler;
  readonly #executor: Executor;
  readonly #require: NodeJS.Require;
  readonly #running = new WeakMap<Cell, Run>();
  #runs = 0;
  /** What is known of a failed cell: the executor goes on with `before`, cells with `after`. */
  #kept: { before: string; after: string } | undefined;

  constructor(tracebacks: Tracebacks) {
    this.#tracebacks = tracebacks;
    this.#compiler = createCompiler();
    leaveSigintAlone();
    const { createExecutor } = createRequire(import.meta.url)(
      "tslab/dist/executor.js",
    ) as typeof import("tslab/dist/executor.js");
    const node = this.#wrapped(this.#compiler.converter);
    const report = {
      log: (value: unknown) => void (this.#current().value = { of: value }),
      error: (error: unknown) => void (this.#current().error = { of: error }),
    };
    // No converter for browsers: such cells have no place to run in.
    this.#executor = createExecutor(
      process.cwd(),
      { node, browser: node, close: () => node.close() } as never,
      report as never,
    );
    const scope = (globalThis as unknown as { __tslab__: { require: NodeJS.Require; alive?: typeof alive } }).__tslab__;
    this.#require = scope.require = cellRequire(scope.require);
    scope.alive = alive;
  }

  get compiler(): Compiler {
    return this.#compiler;
  }

  /** Completion and hover see the variables of the cells before. */
  get executor(): Pick<Executor, "complete" | "inspect"> {
    return this.#executor;
  }

  /** Loads what nearly every notebook imports first, while the user still reads: its types take most of a second, its code too. */
  warmUp(): void {
    protect(() => this.#compiler.converter.convert("", 'import * as helpers from "kernel-helpers";'));
    loadHelpers();
  }

  /** Runs TypeScript as the cell's code, or as a part of it such as a user expression. */
  async run(cell: Cell, source = cell.code): Promise<Outcome> {
    const run: Run = { id: ++this.#runs, unset: this.#unset(), cell, source, diagnostics: [] };
    this.#running.set(cell, run);
    try {
      await inTurn(cell, async () => {
        const imports = this.#compiler.ts.preProcessFile(source, true, false).importedFiles;
        await preload(
          this.#require,
          imports.map((file) => file.fileName),
        );
        await this.#executor.execute(source);
      });
    } catch (error) {
      this.#executor.interrupt(); // lets go of a cell that awaits; nobody waits for its end
      this.#keep(run);
      return { ok: false, error };
    }
    if (run.diagnostics.length > 0) return { ok: false, error: typeScriptError(source, run.diagnostics) };
    if (run.error) {
      this.#keep(run);
      return { ok: false, error: run.error.of };
    }
    this.#kept = undefined;
    return run.value ? { ok: true, value: run.value } : { ok: true };
  }

  #unset(): ReadonlySet<string> {
    const { locals } = this.#executor;
    return new Set(Object.keys(locals).filter((name) => locals[name] === undefined));
  }

  /** Later cells have what a failed cell defined before it failed, as in other notebooks; tslab forgets it. */
  #keep({ declarations, unset }: Run): void {
    if (!declarations) return;
    const missing = new Set([...this.#unset()].filter((name) => !unset.has(name)));
    const after = protect(() => withoutNames(this.#compiler.ts, declarations.after, missing));
    this.#kept = { before: declarations.before, after };
  }

  /** The declarations to work with, for those that the executor knows. */
  #declarations(known: string): string {
    return this.#kept?.before === known ? this.#kept.after : known;
  }

  /** The run that the code on the stack belongs to; a cell let go of still finds its own. */
  #current(): Run {
    return this.#running.get(currentCell()!)!;
  }

  #wrapped(inner: Converter): Converter {
    return {
      ...inner,
      convert: (known, source) => protect(() => this.#convert(inner, known, source)),
      complete: (known, source, position) => protect(() => inner.complete(this.#declarations(known), source, position)),
      inspect: (known, source, position) => protect(() => inner.inspect(this.#declarations(known), source, position)),
      addModule: (name, content, meta) =>
        protect(() => {
          const diagnostics = inner.addModule(name, content, meta);
          this.#current().diagnostics = diagnostics;
          return diagnostics;
        }),
    };
  }

  #convert(inner: Converter, known: string, source: string): ConvertResult {
    const run = this.#current();
    const prefix = /\bawait\b/.test(source) ? AWAIT : "";
    const converted = inner.convert(this.#declarations(known), prefix + source);
    const by = prefix.length;
    run.diagnostics = converted.diagnostics.map((one) => ({
      ...one,
      start: moved(one.start, by),
      end: moved(one.end, by),
    }));
    if (converted.output) {
      run.declarations = { before: known, after: converted.declOutput ?? "" };
      this.#tracebacks.remember(run.id, {
        count: run.cell.count,
        source,
        maps: this.#compiler.takeMaps(),
        runOffset: (converted.hasToplevelAwait ? WRAPPER.async : WRAPPER.sync).length,
        sourceOffset: by,
        runLines: converted.output.split("\n").length,
      });
      converted.output += `\n//# sourceURL=${scriptName(run.id)}`;
    }
    return converted;
  }
}

/**
 * The executor asks node:vm to end code at a SIGINT. The wire does that, and not only before the first await;
 * and node:vm leaves a handler behind that would end the process, for it knows nothing of the wire's.
 */
function leaveSigintAlone(): void {
  const { runInThisContext } = vm;
  vm.runInThisContext = (code, options) =>
    runInThisContext(code, typeof options === "object" ? { ...options, breakOnSigint: false } : options) as unknown;
}

function moved(position: DiagnosticPos, by: number): DiagnosticPos {
  const { offset, line, character } = position;
  return { offset: offset - by, line, character: line === 0 ? Math.max(0, character - by) : character };
}
