/**
 * The engine, on the main thread: takes the requests that the wire passes on, runs
 * cells one after another, and answers everything else in between.
 */
import { setTimeout } from "node:timers"; // the one that no cell replaces
import type { MessagePort } from "node:worker_threads";
import { setHost } from "../../base/display.js";
import { Shared, type Request, type ToEngine } from "../thread-messages.js";
import { GRACE_MS } from "../interrupt/interrupter.js";
import { interruptLingering, runningCell, setRunningCell, type Cell } from "../interrupt/cell.js";
import { completeBpfCell, isBpfCell } from "../bpf/bpf-completion.js";
import { inspectBpfCell } from "../bpf/bpf-hover.js";
import { Channel } from "../channel.js";
import { Comms } from "./comms.js";
import { keepCompiled } from "../typescript/compiler-api.js";
import { complete, inspect, isComplete } from "../typescript/completion.js";
import { KeyboardInterrupt } from "../kernel-errors.js";
import { Execution } from "./execution.js";
import { Input } from "../process/input.js";
import { History } from "./history.js";
import { install } from "../process/install.js";
import { notebookHost } from "./notebook-host.js";
import { Runner } from "../typescript/runner.js";
import { criticalSection } from "../../base/critical-section.js";
import { Tracebacks } from "../typescript/traceback.js";

/** A kernel that nobody has asked for anything after this time has time to warm up. */
const IDLE_MS = 100;

/** After this time V8 has made of the compiler what the next start can use. */
const SETTLED_MS = 5000;

type Content = Record<string, unknown>;

const inspection = (text: string | undefined): Content => ({
  found: text !== undefined,
  data: text === undefined ? {} : { "text/plain": text },
  metadata: {},
});

export interface EngineOptions {
  /** To and from the wire. */
  port: MessagePort;
  /** What `Shared` indexes. */
  shared: Int32Array;
  /** Answers to prompts. */
  answers: MessagePort;
}

export class Engine {
  readonly #shared: Int32Array;
  readonly #channel: Channel;
  readonly #comms: Comms;
  readonly #runner: Runner;
  readonly #execution: Execution;
  readonly #history = new History();
  readonly #exit: () => never;
  readonly #waiting: Request[] = [];
  /** The execute request that runs. */
  #executing: Request | undefined;
  /** Sequence number of the newest interrupt that has come here. */
  #interrupts = 0;
  /** The cell that was interrupted last, and the first interrupt that met it. */
  #interrupted: { cell: Cell; since: number } | undefined;
  /** Execute requests up to this id had arrived when a cell failed, and are not run. */
  #abortUpTo = 0;

  constructor({ port, shared, answers }: EngineOptions) {
    this.#shared = shared;
    this.#channel = new Channel(port, shared);
    this.#comms = new Comms(this.#channel);
    const tracebacks = new Tracebacks();
    this.#runner = new Runner(tracebacks.stacks);
    this.#execution = new Execution(this.#channel, this.#runner, tracebacks, this.#history);
    setHost(notebookHost(this.#channel, this.#comms));
    const isAsked = (): boolean => this.#executing?.content["allow_stdin"] === true;
    const input = new Input(this.#channel, shared, answers, isAsked);
    const interrupt = (sequence: number) => this.#interrupt(sequence);
    this.#exit = install({ channel: this.#channel, shared, input, tracebacks, interrupt });
    port.on("message", (message: ToEngine) => this.#receive(message));
    setTimeout(() => criticalSection(keepCompiled), SETTLED_MS).unref();
    setTimeout(() => this.#execution.count === 0 && !this.#executing && this.#runner.warmUp(), IDLE_MS);
  }

  #receive(message: ToEngine): void {
    switch (message.kind) {
      case "request":
        return this.#request(message.request);
      case "interrupt":
        return this.#interrupt(message.sequence);
      case "terminated":
        this.#comms.abandon();
        // Not whatever runs now: that may be the next cell already.
        if (this.#interrupted && message.sequence >= this.#interrupted.since)
          this.#interrupted.cell.stop({ error: new KeyboardInterrupt() });
        return;
      case "shutdown":
        Atomics.store(this.#shared, Shared.leaving, 1);
        this.#exit();
    }
  }

  #request(request: Request): void {
    if (request.type === "execute_request") {
      this.#waiting.push(request);
      if (!this.#executing) void this.#work();
      return;
    }
    this.#channel.busy(request);
    void this.#replyTo(request);
  }

  async #replyTo(request: Request): Promise<void> {
    let reply: Content | undefined;
    try {
      const answer = this.#answer(request);
      const content = answer instanceof Promise ? await answer : answer; // most are ready at once, and go out in order
      reply = content && { status: "ok", ...content };
    } catch (error) {
      reply = { status: "error", ename: "Error", evalue: String(error), traceback: [] };
    }
    this.#channel.reply(request, reply);
  }

  async #work(): Promise<void> {
    for (let request = this.#waiting.shift(); request; request = this.#waiting.shift()) {
      if (request.id <= this.#abortUpTo) {
        this.#abort(request);
        continue;
      }
      this.#executing = request;
      const { stop_on_error } = request.content;
      const failed = (): void => {
        // Now, and not after the reply: what the front end sends when it has read that is meant to run.
        if (stop_on_error !== false) this.#abortUpTo = Atomics.load(this.#shared, Shared.newestExecute);
      };
      await this.#execution.execute(request, failed).catch((error: unknown) => this.#failed(request, error));
      this.#executing = undefined;
    }
  }

  /** The kernel's own fault, which must not keep the front end waiting. */
  #failed(request: Request, error: unknown): void {
    runningCell()?.end();
    setRunningCell(undefined);
    const evalue = String((error as Error)?.stack ?? error);
    const content = { ename: "KernelError", evalue, traceback: [evalue] };
    this.#channel.publish("error", request.parent, content);
    this.#channel.reply(request, { status: "error", ...content, execution_count: this.#execution.count });
  }

  /** Answers what had arrived when an earlier cell failed. */
  #abort(request: Request): void {
    this.#channel.busy(request);
    this.#channel.reply(request, {
      status: "aborted",
      execution_count: this.#execution.count,
      payload: [],
      user_expressions: {},
    });
  }

  #interrupt(sequence: number): void {
    if (sequence <= this.#interrupts) return;
    this.#interrupts = sequence;
    const served = (): unknown => Atomics.store(this.#shared, Shared.interruptsServed, sequence);
    const cell = runningCell();
    if (!cell) {
      served();
      return interruptLingering(new KeyboardInterrupt());
    }
    cell.whenOver(served); // and not before: a cell that awaits now may be in a busy loop soon
    if (this.#interrupted?.cell !== cell) this.#interrupted = { cell, since: sequence };
    const error = new KeyboardInterrupt();
    cell.interrupt.abort(error);
    setTimeout(() => cell.stop({ error }), GRACE_MS);
  }

  /** Everything but execution, at once: a cell that awaits does not keep completion waiting. */
  #answer(request: Request): Content | undefined | Promise<Content | undefined> {
    const { type, content } = request;
    const { converter } = this.#runner;
    const code = String(content["code"] ?? "");
    const cursor = Number(content["cursor_pos"] ?? code.length);
    switch (type) {
      case "complete_request":
        return isBpfCell(code)
          ? completeBpfCell(code, cursor).then((found) => ({ ...found }))
          : { ...criticalSection(() => complete(converter, code, cursor)) };
      case "inspect_request": {
        const detail = content["detail_level"] === 1;
        return isBpfCell(code)
          ? inspectBpfCell(code, cursor, detail).then(inspection)
          : inspection(criticalSection(() => inspect(converter, code, cursor, detail)));
      }
      case "is_complete_request":
        return isComplete(code);
      case "history_request":
        return { history: this.#history.query(content) };
      case "comm_info_request":
        return { comms: this.#comms.info(content["target_name"]) };
      case "comm_open":
      case "comm_msg":
      case "comm_close":
        return this.#comms.receive(request).then(() => undefined);
      default:
        return undefined;
    }
  }
}
