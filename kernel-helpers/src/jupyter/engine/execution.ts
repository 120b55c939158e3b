/** One execute request, from `busy` to its reply. */
import { BpflabError } from "../../base/errors.js";
import { bundleOf, type MimeBundle } from "../../base/display.js";
import type { Request } from "../thread-messages.js";
import { bpfMagic } from "../bpf/bpf-cell.js";
import { encodeBundle } from "../bundle.js";
import { KeyboardInterrupt, type ErrorContent } from "../kernel-errors.js";
import { Cell, cellEnded, inMacrotask, released, setRunningCell, takeMissed } from "../interrupt/cell.js";
import { macrotask } from "../interrupt/macrotask.js";
import type { Channel } from "../channel.js";
import { criticalSection } from "../../base/critical-section.js";
import { inspect } from "../typescript/completion.js";
import type { History } from "./history.js";
import { runMagic, type CellMagic } from "../bpf/magics.js";
import { misplacedC } from "../bpf/misplaced.js";
import type { Outcome, Runner } from "../typescript/runner.js";
import type { Tracebacks } from "../typescript/traceback.js";

interface Page {
  source: "page";
  data: Record<string, unknown>;
  start: number;
}

/** `name?` asks for the documentation of a name, in the front end's pager. */
const help = /^\s*([\w$.]+)\?\s*$/;

export class Execution {
  readonly #channel: Channel;
  readonly #runner: Runner;
  readonly #tracebacks: Tracebacks;
  readonly #history: History;
  readonly #magics: readonly CellMagic[];
  #count = 0;

  constructor(channel: Channel, runner: Runner, tracebacks: Tracebacks, history: History) {
    this.#channel = channel;
    this.#runner = runner;
    this.#tracebacks = tracebacks;
    this.#history = history;
    this.#magics = [bpfMagic((cell, source) => runner.run(cell, source))];
  }

  get count(): number {
    return this.#count;
  }

  /** Runs the cell and answers. @param failed called before the reply that says the cell failed */
  async execute(request: Request, failed: () => void): Promise<void> {
    const { content } = request;
    const stored = content["silent"] !== true && content["store_history"] !== false;
    if (stored) this.#count++;
    const cell = new Cell(request, this.#count);
    setRunningCell(cell);
    this.#channel.busy(request);
    if (!cell.silent)
      this.#channel.publish("execute_input", cell.parent, { code: cell.code, execution_count: cell.count });

    const payload: Page[] = [];
    const { outcome, bundle } = await this.#result(cell, payload);
    const base = { execution_count: cell.count, payload, user_expressions: {} };
    if (outcome.ok) {
      if (bundle && !cell.silent) {
        this.#channel.result(cell.parent, { execution_count: cell.count, data: bundle, metadata: {} });
      }
      const user_expressions = await this.#expressions(cell, content["user_expressions"]);
      this.#end(cell);
      cellEnded(cell);
      this.#channel.reply(request, { ...base, status: "ok", user_expressions });
    } else {
      failed();
      const error = await this.#describe(cell, outcome.error);
      if (!cell.silent) this.#publishError(cell, outcome.error, error);
      this.#end(cell);
      this.#channel.reply(request, { ...base, status: "error", ...error });
    }
    if (stored) this.#history.add(cell.count, cell.code, bundle ? String(bundle["text/plain"] ?? "") : null);
  }

  /** What is told of an error. Code of its own, such as a getter, may run for that, and need not end by itself. */
  #describe(cell: Cell, error: unknown): Promise<ErrorContent> {
    return new Promise((resolve) => {
      const { signal } = cell.interrupt;
      const tell = (about: unknown): void => {
        const content = this.#tracebacks.describe(about);
        signal.removeEventListener("abort", interrupted);
        resolve(content);
      };
      const interrupted = (): void => tell(new KeyboardInterrupt());
      signal.addEventListener("abort", interrupted);
      if (!cell.abandoned) void cell.stopped.then(interrupted);
      macrotask(() => tell(error));
    });
  }

  #publishError(cell: Cell, error: unknown, content: ErrorContent): void {
    this.#channel.publish("error", cell.parent, { ...content });
    const html = error instanceof BpflabError ? error.detailsHtml() : undefined;
    if (html === undefined) return;
    const data = {
      "text/html": html,
      "text/plain": "In JupyterLab and in a page, this unfolds to all that the compiler or the kernel said.",
    };
    this.#channel.publish("display_data", cell.parent, { data, metadata: {}, transient: {} });
  }

  /** The cell's end and, unless it is empty, the bundle of its last value, whose making may fail too. */
  async #result(cell: Cell, payload: Page[]): Promise<{ outcome: Outcome; bundle?: MimeBundle }> {
    const missed = takeMissed();
    if (missed && cell.unattended) return { outcome: { ok: false, ...missed } };
    try {
      const outcome = await this.#run(cell, payload);
      if (!outcome.ok) return { outcome };
      const bundle = await inMacrotask(cell, async () => {
        const drawn = outcome.value ? encodeBundle(await bundleOf(outcome.value.of)) : {};
        await released(cell);
        return drawn;
      });
      // What the cell left unhandled comes to light in another turn, and fails it.
      await inMacrotask(cell, () => Promise.resolve());
      return Object.keys(bundle).length > 0 ? { outcome, bundle } : { outcome };
    } catch (error) {
      return { outcome: { ok: false, error } };
    }
  }

  #run(cell: Cell, payload: Page[]): Promise<Outcome> {
    const name = help.exec(cell.code)?.[1];
    if (!name) return runMagic(cell, this.#magics) ?? misplacedC(cell.code) ?? this.#runner.run(cell);
    const text =
      criticalSection(() => inspect(this.#runner.converter, name, name.length, true)) ??
      `There is nothing called ${name}.`;
    payload.push({ source: "page", data: { "text/plain": text }, start: 0 });
    return Promise.resolve({ ok: true });
  }

  #end(cell: Cell): void {
    cell.end();
    setRunningCell(undefined);
  }

  async #expressions(cell: Cell, wanted: unknown): Promise<Record<string, unknown>> {
    const results: Record<string, unknown> = {};
    for (const [name, source] of Object.entries((wanted ?? {}) as Record<string, unknown>)) {
      try {
        const outcome = await this.#runner.run(cell, String(source));
        if (!outcome.ok) throw outcome.error;
        const data = await inMacrotask(cell, async () => encodeBundle(await bundleOf(outcome.value?.of)));
        results[name] = { status: "ok", data, metadata: {} };
      } catch (error) {
        results[name] = { status: "error", ...(await this.#describe(cell, error)) };
      }
    }
    return results;
  }
}
