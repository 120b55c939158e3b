/** The engine's way to the wire: what a cell publishes, under the cell's header. */
import { setImmediate } from "node:timers"; // the one that no cell ends
import type { MessagePort } from "node:worker_threads";
import { Shared, weightOf, type Extras, type Request, type ToWire } from "./thread-messages.js";
import { toJson } from "./bundle.js";
import { criticalSection } from "../base/critical-section.js";

/** A cell that writes faster than the wire can send waits beyond this: an interrupt, or the next reply, stands behind it. */
const MOST_BACKLOG = 4 * 1024 * 1024;
/** How long the thread sleeps at a time while it waits; an interrupt ends it in between. */
const NAP_MS = 20;

export class Channel {
  readonly #port: MessagePort;
  readonly #shared: Int32Array;
  /** What goes with the next message: each wakes the wire's thread, which costs more than making it. */
  #held: ToWire[] = [];

  constructor(port: MessagePort, shared: Int32Array) {
    this.#port = port;
    this.#shared = shared;
  }

  post(message: ToWire): void {
    const messages = [...this.#held, message];
    this.#held = [];
    this.#port.postMessage(messages);
  }

  /** Sends a message with the next one, and at the latest after this turn of the event loop. */
  #hold(message: ToWire): void {
    if (this.#held.push(message) > 1) return;
    setImmediate(() => {
      if (this.#held.length > 0) this.#port.postMessage(this.#held.splice(0));
    });
  }

  /** Output of a cell, as fast as the wire can send it. */
  output(message: ToWire, send: (message: ToWire) => void = (one) => this.post(one)): void {
    for (let backlog; (backlog = Atomics.load(this.#shared, Shared.backlog)) > MOST_BACKLOG;)
      Atomics.wait(this.#shared, Shared.backlog, backlog, NAP_MS);
    criticalSection(() => {
      Atomics.add(this.#shared, Shared.backlog, weightOf(message));
      send(message);
    });
  }

  /** A message on iopub. */
  publish(type: string, parent: string, content: Record<string, unknown>, extras: Extras = {}): void {
    this.output({ kind: "publish", type, parent, content: toJson(content), extras });
  }

  /** A cell's result, which its reply follows. */
  result(parent: string, content: Record<string, unknown>): void {
    this.output({ kind: "publish", type: "execute_result", parent, content: toJson(content) }, (message) =>
      this.#hold(message),
    );
  }

  busy(request: Request): void {
    this.#hold({ kind: "busy", id: request.id, parent: request.parent });
  }

  /** Answers a request and says `idle`; without content, for requests that have no reply, only the latter. */
  reply(request: Request, content?: Record<string, unknown>): void {
    this.post({ kind: "reply", id: request.id, content: content ? toJson(content) : "" });
  }
}
