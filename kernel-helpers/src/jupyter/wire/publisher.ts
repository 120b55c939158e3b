/**
 * iopub: everything in order, nothing lost. Text of one stream is joined, and of
 * several updates of one display only the newest is sent, for at most 50 ms or
 * until something else is published.
 */
import type { Extras } from "../link.js";
import type { Codec } from "./message.js";
import type { Outbox } from "./outbox.js";

const COALESCE_MS = 50;
/** A message is cut off here, so that a flood reaches the page in digestible pieces. */
const STREAM_CHUNK = 256 * 1024;

type Pending =
  | { kind: "stream"; name: string; parent: string; texts: string[]; length: number }
  | { kind: "update"; displayId: string; parent: string; content: string }
  | { kind: "message"; type: string; parent: string; content: string; extras: Extras };

export class IopubPublisher {
  readonly #codec: Codec;
  readonly #outbox: Outbox;
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(codec: Codec, outbox: Outbox) {
    this.#codec = codec;
    this.#outbox = outbox;
  }

  publish(type: string, parent: string, content: string, extras: Extras = {}): void {
    this.#pending.push({ kind: "message", type, parent, content, extras });
    this.flush();
  }

  status(state: "starting" | "busy" | "idle", parent: string): void {
    this.publish("status", parent, JSON.stringify({ execution_state: state }));
  }

  stream(name: string, parent: string, text: string): void {
    const last = this.#pending.at(-1);
    if (last?.kind === "stream" && last.name === name && last.parent === parent && last.length < STREAM_CHUNK) {
      last.texts.push(text);
      last.length += text.length;
    } else {
      this.#pending.push({ kind: "stream", name, parent, texts: [text], length: text.length });
    }
    this.#flushSoon();
  }

  update(displayId: string, parent: string, content: string): void {
    const waiting = this.#pending.find((one) => one.kind === "update" && one.displayId === displayId);
    if (waiting?.kind === "update") {
      waiting.content = content;
      waiting.parent = parent;
    } else {
      this.#pending.push({ kind: "update", displayId, parent, content });
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), COALESCE_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = [];
    for (const one of pending) this.#send(one);
  }

  #send(one: Pending): void {
    const type = one.kind === "stream" ? "stream" : one.kind === "update" ? "update_display_data" : one.type;
    const content = one.kind === "stream" ? JSON.stringify({ name: one.name, text: one.texts.join("") }) : one.content;
    void this.#outbox.send(this.#codec.encode([Buffer.from(type)], type, one.parent, content, one.kind === "message" ? one.extras : undefined));
  }
}
