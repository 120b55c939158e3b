import { AsyncResource } from "node:async_hooks";
import { table as makeTable, type ColumnTable } from "arquero";
import { inspect } from "node:util";
import { Observable } from "rxjs";
import { requireInteger, requireNumber } from "../base/arguments.js";
import { displaySymbol, type Displayable, type MimeBundle } from "../base/display.js";
import { ArgumentError } from "../base/errors.js";
import { html } from "../base/html.js";
import { visible } from "../base/text.js";
import type { EventBatch } from "../streams/batch.js";
import { captureOf } from "../streams/capture.js";
import { collect, CollectError, type CollectOptions } from "../streams/collect.js";
import { wait } from "../streams/wait.js";
import type { EventTable } from "../streams/table.js";
import type { FieldsOf } from "./field-types.js";
import type { ExpressionInput } from "./expression/parse.js";
import { resolveHooks } from "./hooks/resolve.js";
import { setParams } from "./params.js";
import { sizesOf, type ProbeOptions } from "./probe-options.js";
import { refuseUnknownOptions } from "../base/names.js";
import { onOf, requireThreads } from "./program/match.js";
import { generate } from "./program/generate.js";
import { titleOf } from "./program/title.js";
import type { Page } from "./program/page.js";
import { asText, columnsOf, valuesOf, type Params, type Question, type Verb } from "./program/verbs.js";
import { makeReady, Run, type HookCost } from "./run.js";
import { Runs } from "./runs.js";

/** Columns of a row, as far as types know them. */
export type Row = Record<string, any>;

type Expr<Fields, Result = unknown> = ((d: Fields, $: any) => Result) | string | { toString(): string };

/** A key of a pair, or several. */
type Key<Fields> = string | ((d: Fields, $: any) => unknown);
type Keys<Fields> = Key<Fields> | Key<Fields>[];

/** A probe as it can be asked elsewhere: expressions are text. */
export interface Asked {
  question: Question;
  options: ProbeOptions;
  params: Params;
  isRollup: boolean;
}

/**
 * A question to the kernel in arquero's verbs. Verbs make a new question; nothing runs before it is
 * collected, subscribed to or attached.
 *
 * @typeParam Fields the columns that expressions see
 * @example
 * const opens = probe("tp/syscalls/sys_enter_openat").groupby("comm").count();
 * await opens.attach();
 * await opens.table();
 * opens.close();
 */
export class Probe<Fields extends object = Row> implements Displayable {
  readonly #question: Question;
  readonly #options: ProbeOptions;
  readonly #params: Params;
  readonly #runs: Runs;

  private constructor(question: Question, options: ProbeOptions, params: Params) {
    this.#question = question;
    this.#options = options;
    this.#params = { ...params };
    const hooks = [question.hook, question.to].join(" ");
    this.#runs = new Runs(hooks, () => this.loadRun());
  }

  /** @internal use `probe` */
  static make<Fields extends object>(question: Question, options: ProbeOptions, params: Params = {}): Probe<Fields> {
    return new Probe<Fields>(question, options, params);
  }

  #with(verb: Verb): Probe<any> {
    return new Probe({ ...this.#question, verbs: [...this.#question.verbs, verb] }, this.#options, this.#params);
  }

  /**
   * Pairs the hook with another one, by thread: a row when the second is reached, with the fields of both,
   * `start_ns` and `duration_ns`. Of a field that both have the first one's is `start_NAME`.
   *
   * What one thread begins and another ends is matched by `on`, as arquero's joins take it: a column that both hooks
   * have, or a pair of what each has, which may be lists and expressions. Then `start_pid`, `start_tid` and `start_comm`
   * say who was there at the first hook, and bpflab's own events are not left out. Of what has begun and not ended the
   * newest 65,536 are remembered.
   *
   * @throws ArgumentError for hooks that by thread would match what does not belong together, such as sched_wakeup
   * @example
   * probe("tp/syscalls/sys_enter_read").to("tp/syscalls/sys_exit_read").filter(d => d.duration_ns > 1e6)
   * @example
   * probe("tp/sched/sched_wakeup").to("tp/sched/sched_switch", { on: ["hook_pid", "next_pid"] }).rollup({ wait: op.log2("duration_ns") })
   */
  to<const Hook extends string>(
    hook: Hook,
    options: { on?: Key<Fields> | [Keys<Fields>, Keys<FieldsOf<Hook>>] } = {},
  ): Probe<Fields & FieldsOf<Hook> & { start_ns: number; duration_ns: number }> {
    if (this.#question.to !== undefined || this.#question.verbs.length > 0)
      throw new ArgumentError("to: it comes right after the hook, and once only.", {
        hint: "Write probe(…).to(…), then the verbs.",
      });
    refuseUnknownOptions("to", options, ["on"]);
    const on = onOf(options.on);
    if (!on) requireThreads(this.#question.hook, hook);
    return new Probe({ ...this.#question, to: hook, ...(on ? { on } : {}) }, this.#options, this.#params) as never;
  }

  /** Keeps the events for which the expression holds. @throws ArgumentError that shows the place */
  filter(test: Expr<Fields>): Probe<Fields> {
    return this.#with({ verb: "filter", test: test as ExpressionInput });
  }

  /** Adds columns. */
  derive<Values extends Record<string, Expr<Fields>>>(
    values: Values,
  ): Probe<Fields & { [Name in keyof Values]: Result<Values[Name]> }> {
    return this.#with({ verb: "derive", values: valuesOf("derive", values as never) });
  }

  /** Takes columns: by their names, `{ name: "newName" }`, or `{ newName: d => … }`. */
  select(...columns: (string | readonly string[] | Record<string, Expr<Fields>>)[]): Probe<any> {
    return this.#with({ verb: "select", columns: columnsOf("select", columns) });
  }

  /** Takes one event in so many. */
  sample(one: number): Probe<Fields> {
    return this.#with({ verb: "sample", one: requireInteger("sample", one, { from: 1, to: 2 ** 31 }) });
  }

  /** Groups by columns, for `rollup` or `count`. */
  groupby(...keys: (string | readonly string[] | Record<string, Expr<Fields>>)[]): Probe<Fields> {
    return this.#with({ verb: "groupby", keys: columnsOf("groupby", keys) });
  }

  /**
   * Adds up in the kernel: only the sums cross over. There are op.count, sum, mean, min, max, first, last,
   * log2, linear and valid.
   *
   * @example
   * probe("tp/syscalls/sys_exit_read").groupby("comm").rollup({ n: op.count(), bytes: op.sum("ret") })
   */
  rollup(values: Record<string, Expr<Fields>>): Probe<any> {
    return this.#with({ verb: "rollup", values: valuesOf("rollup", values as never) });
  }

  /** Counts the events of each group. */
  count({ as = "count" }: { as?: string } = {}): Probe<any> {
    return this.rollup({ [as]: "op.count()" });
  }

  /**
   * Sets parameters, which expressions call `$.name`. Of a probe that runs they change at once: nothing is
   * compiled or loaded again.
   *
   * @returns this probe
   * @throws ArgumentError for a value that is not an integer, boolean or text, or of another type than before
   */
  params(values: Params): this {
    setParams(this.#params, values);
    for (const run of this.#runs.open()) run.setParams(values);
    return this;
  }

  async #page(): Promise<Page> {
    const { hook, to } = this.#question;
    const [hooks, [start]] =
      to === undefined ? [await resolveHooks(hook), []] : [await resolveHooks(to), await resolveHooks(hook)];
    if (hook.includes("*") && to !== undefined)
      throw new ArgumentError("to: a pattern cannot begin a pair.", {
        hint: "Write the name of one hook before .to().",
      });
    return generate(this.#question, hooks, start, this.#params, sizesOf(this.#options));
  }

  /** @internal */
  asked(): Asked {
    return {
      question: asText(this.#question),
      options: this.#options,
      params: { ...this.#params },
      isRollup: this.isRollup,
    };
  }

  /** @internal compiles and loads it; whoever calls sees to the rest */
  async loadRun(): Promise<Run> {
    makeReady();
    return Run.load(await this.#page(), this.#params);
  }

  /** The C program that answers the question, as a page to read. */
  async source(): Promise<Displayable & { text: string }> {
    const { text } = await this.#page();
    return {
      text,
      [displaySymbol]: () => ({ "text/markdown": `\`\`\`c\n${text.trimEnd()}\n\`\`\``, "text/plain": text }),
    };
  }

  /** True if the kernel adds up: the answer is one row per group. */
  get isRollup(): boolean {
    return this.#question.verbs.some(({ verb }) => verb === "rollup");
  }

  /**
   * Asks, until the first of `seconds`, `rows`, `until` and an interrupt, and answers with a table: one row
   * per event, or one row per group of a rollup. The table knows what was lost.
   *
   * @throws ArgumentError, AttachError, ProbeError, MissingFeatureError; CollectError when `until` fails, which holds what had come
   * @example
   * await probe("tp/syscalls/sys_enter_openat").select({ comm: "comm", file: d => op.str(d.filename) }).collect({ seconds: 5 })
   */
  async collect(options: CollectOptions = {}): Promise<EventTable<any>> {
    return this.isRollup ? this.#collectGroups(options) : this.#collectEvents(options);
  }

  async #collectEvents(options: CollectOptions): Promise<EventTable<any>> {
    const { run, leave } = await this.#runs.share();
    try {
      await run.attach();
      const raw = await collect(run.rawEvents(), options);
      return run.answer.events(raw, captureOf(raw));
    } catch (error) {
      if (error instanceof CollectError) throw new CollectError(run.answer.events(error.collected), error.cause);
      throw error;
    } finally {
      leave();
    }
  }

  async #collectGroups(options: CollectOptions): Promise<EventTable<any>> {
    const run = await this.#runs.own();
    try {
      await run.attach();
      try {
        await wait(options, () => {
          const rows = run.groups().numRows();
          return rows === 1 ? "1 row" : `${rows.toLocaleString("en")} rows`;
        });
      } catch (error) {
        if (error instanceof ArgumentError) throw error;
        throw new CollectError(run.groups(), error);
      }
      run.object.detach();
      return run.groups();
    } finally {
      run.close();
    }
  }

  /** The events as a stream, in batches; it runs while somebody listens. @throws ArgumentError for a rollup */
  events(): Observable<EventBatch> {
    if (this.isRollup)
      throw new ArgumentError("events: a rollup adds up in the kernel, and sends no events.", {
        hint: "poll({ everyMs: 1000 }) is a stream of its tables.",
      });
    return this.#runs.stream((run) => run.events());
  }

  /** A rollup's table now, and again every so many ms. @throws ArgumentError for a probe without rollup */
  poll({ everyMs }: { everyMs: number }): Observable<EventTable<any>> {
    if (!this.isRollup)
      throw new ArgumentError("poll: only a rollup has a table that changes.", {
        hint: "events() is the stream of the events.",
      });
    requireNumber("everyMs", everyMs, { from: 1, to: 2 ** 31 - 1 });
    return this.#runs.stream(
      (run) =>
        new Observable<EventTable<any>>((subscriber) => {
          const read = () => (run.object.closed ? subscriber.complete() : subscriber.next(run.groups()));
          const timer = setInterval(read, everyMs);
          const forget = run.object.onClose(AsyncResource.bind(() => subscriber.complete()));
          subscriber.add(() => {
            clearInterval(timer);
            forget();
          });
          read();
        }),
    );
  }

  /**
   * Asks until `close()`, or until the cell that attached it is run again and does not attach it. Meanwhile `table()` is a rollup's answer so far, and `events()` and `poll()` join in.
   *
   * @returns this probe
   */
  async attach(): Promise<this> {
    await this.#runs.attach();
    return this;
  }

  /** A rollup's table so far, of a probe that is attached. @throws ArgumentError */
  async table(): Promise<EventTable<any>> {
    if (!this.isRollup)
      throw new ArgumentError("table: only a rollup has a table that grows.", {
        hint: "collect() makes one of events.",
      });
    const run = await this.#runs.attached();
    if (!run)
      throw new ArgumentError("table: the probe is not attached.", {
        hint: "await probe.attach() first, or collect().",
      });
    return run.groups();
  }

  /** True while it runs. */
  get running(): boolean {
    return this.#runs.running;
  }

  /**
   * What it costs: one row per hook with its runs and ns a run. The kernel counts from the first call on, which itself
   * costs some 20 ns a run; when the probe has ended it is what the last run cost.
   */
  stats(): ColumnTable {
    const rows = this.#runs.costs();
    const column = <K extends keyof HookCost>(name: K) => rows.map((row) => row[name]);
    return makeTable({
      hook: column("hook"),
      instructions: column("instructions"),
      runs: column("runs"),
      run_time_ns: column("run_time_ns"),
      ns_per_run: column("ns_per_run"),
      missed: column("missed"),
    });
  }

  /** Ends all that runs of it. Idempotent. */
  close(): void {
    this.#runs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const params = Object.keys(this.#params).length > 0 ? `.params(${inspect(this.#params)})` : "";
    return visible(`${titleOf(this.#question)}${params}${this.running ? " (running)" : ""}`);
  }

  [displaySymbol](): MimeBundle {
    const text = this[inspect.custom]();
    const hint = html`<br><span style="opacity:0.7">Not run yet: await ….collect({ seconds: 5 })</span>`;
    const page = html`<code>${text}</code>${!this.running && hint}`;
    return { "text/html": page.toString(), "text/plain": text };
  }
}

type Result<E> = E extends (...args: any[]) => infer R ? R : any;
