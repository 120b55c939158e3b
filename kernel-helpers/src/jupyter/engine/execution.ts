/** One execute request, from `busy` to its reply. */
import { bundleOf } from "../../host.js";
import type { Request } from "../link.js";
import { encodeBundle } from "./bundle.js";
import { Cell, inCell, released, setRunningCell } from "./cell.js";
import type { Channel } from "./channel.js";
import { inspect } from "./completion.js";
import type { ErrorContent } from "./errors.js";
import type { History } from "./history.js";
import { runMagic } from "./magics.js";
import type { Outcome, Runner } from "./runner.js";
import type { Tracebacks } from "./traceback.js";

interface Page {
  source: "page";
  data: Record<string, unknown>;
  start: number;
}

/** `name?` asks for the documentation of a name, in the front end's pager. */
const HELP = /^\s*([\w$.]+)\?\s*$/;

/** A turn of the event loop, in which rejections that nobody handles come to light. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Execution {
  readonly #channel: Channel;
  readonly #runner: Runner;
  readonly #tracebacks: Tracebacks;
  readonly #history: History;
  #count = 0;

  constructor(channel: Channel, runner: Runner, tracebacks: Tracebacks, history: History) {
    this.#channel = channel;
    this.#runner = runner;
    this.#tracebacks = tracebacks;
    this.#history = history;
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
    if (!cell.silent) this.#channel.publish("execute_input", cell.parent, { code: cell.code, execution_count: cell.count });

    const payload: Page[] = [];
    const { outcome, bundle } = await this.#result(cell, payload);
    cell.end();
    const base = { execution_count: cell.count, payload, user_expressions: {} };
    if (outcome.ok) {
      if (bundle && !cell.silent) {
        this.#channel.publish("execute_result", cell.parent, { execution_count: cell.count, data: bundle, metadata: {} });
      }
      const user_expressions = await this.#expressions(cell, content["user_expressions"]);
      setRunningCell(undefined);
      this.#channel.reply(request, { ...base, status: "ok", user_expressions });
    } else {
      failed();
      const error = this.#tracebacks.describe(outcome.error);
      if (!cell.silent) this.#channel.publish("error", cell.parent, { ...error });
      setRunningCell(undefined);
      this.#channel.reply(request, { ...base, status: "error", ...error });
    }
    if (stored) this.#history.add(cell.count, cell.code, bundle ? String(bundle["text/plain"] ?? "") : null);
  }

  /** The cell's end and, unless it is empty, the bundle of its last value, whose making may fail too. */
  async #result(cell: Cell, payload: Page[]): Promise<{ outcome: Outcome; bundle?: Record<string, unknown> }> {
    try {
      const outcome = await this.#run(cell, payload);
      if (!outcome.ok) return { outcome };
      const value = outcome.value;
      const drawn = value && Promise.resolve(inCell(cell, () => bundleOf(value.of)));
      const bundle = drawn && (await Promise.race([drawn, stopped(cell)]));
      await Promise.race([released(cell), stopped(cell)]);
      // What the cell left unhandled fails it.
      await Promise.race([turn(), stopped(cell)]);
      return { outcome, ...(bundle && Object.keys(bundle).length > 0 ? { bundle: encodeBundle(bundle) } : {}) };
    } catch (error) {
      return { outcome: { ok: false, error } };
    }
  }

  #run(cell: Cell, payload: Page[]): Promise<Outcome> {
    const name = HELP.exec(cell.code)?.[1];
    if (!name) return runMagic(cell) ?? this.#runner.run(cell);
    const text = inspect(this.#runner.executor, name, name.length, true) ?? `There is nothing called ${name}.`;
    payload.push({ source: "page", data: { "text/plain": text }, start: 0 });
    return Promise.resolve({ ok: true });
  }

  async #expressions(cell: Cell, wanted: unknown): Promise<Record<string, unknown>> {
    const results: Record<string, unknown> = {};
    for (const [name, source] of Object.entries((wanted ?? {}) as Record<string, unknown>)) {
      const outcome = await this.#runner.run(cell, String(source));
      const { ename, evalue, traceback }: Partial<ErrorContent> = outcome.ok ? {} : this.#tracebacks.describe(outcome.error);
      results[name] = outcome.ok
        ? { status: "ok", data: encodeBundle(await bundleOf(outcome.value?.of)), metadata: {} }
        : { status: "error", ename, evalue, traceback };
    }
    return results;
  }
}

/** Rejects when the cell is stopped. */
async function stopped(cell: Cell): Promise<never> {
  throw (await cell.stopped).error;
}
