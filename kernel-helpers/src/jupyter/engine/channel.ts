/** The engine's way to the wire: what a cell publishes, under the cell's header. */
import type { MessagePort } from "node:worker_threads";
import { Shared, weightOf, type Extras, type Request, type ToWire } from "../link.js";
import { toJson } from "./bundle.js";
import { protect } from "./protection.js";

/** A cell that writes faster than the wire can send waits beyond this: an interrupt, or the next reply, stands behind it. */
const MOST_BACKLOG = 4 * 1024 * 1024;
/** How long the thread sleeps at a time while it waits; an interrupt ends it in between. */
const NAP_MS = 20;

export class Channel {
  readonly #port: MessagePort;
  readonly #shared: Int32Array;

  constructor(port: MessagePort, shared: Int32Array) {
    this.#port = port;
    this.#shared = shared;
  }

  post(message: ToWire): void {
    this.#port.postMessage(message);
  }

  /** Output of a cell, as fast as the wire can send it. */
  output(message: ToWire): void {
    for (let backlog; (backlog = Atomics.load(this.#shared, Shared.backlog)) > MOST_BACKLOG; ) Atomics.wait(this.#shared, Shared.backlog, backlog, NAP_MS);
    protect(() => {
      Atomics.add(this.#shared, Shared.backlog, weightOf(message));
      this.post(message);
    });
  }

  /** A message on iopub. */
  publish(type: string, parent: string, content: Record<string, unknown>, extras: Extras = {}): void {
    this.output({ kind: "publish", type, parent, content: toJson(content), extras });
  }

  busy(request: Request): void {
    this.post({ kind: "busy", id: request.id, parent: request.parent });
  }

  /** Answers a request and says `idle`; without content, for requests that have no reply, only the latter. */
  reply(request: Request, content?: Record<string, unknown>): void {
    this.post({ kind: "reply", id: request.id, content: content ? toJson(content) : "" });
  }
}
