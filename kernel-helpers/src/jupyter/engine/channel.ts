/** The engine's way to the wire: what a cell publishes, under the cell's header. */
import type { MessagePort } from "node:worker_threads";
import type { Extras, Request, ToWire } from "../link.js";
import { toJson } from "./bundle.js";

export class Channel {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(message: ToWire): void {
    this.#port.postMessage(message);
  }

  /** A message on iopub. */
  publish(type: string, parent: string, content: Record<string, unknown>, extras: Extras = {}): void {
    this.post({ kind: "publish", type, parent, content: toJson(content), extras });
  }

  busy(request: Request): void {
    this.post({ kind: "busy", id: request.id, parent: request.parent });
  }

  /** Answers a request and says `idle`; without content, for requests that have no reply, only the latter. */
  reply(request: Request, content?: Record<string, unknown>): void {
    this.post({ kind: "reply", id: request.id, content: content ? toJson(content) : "" });
  }
}
