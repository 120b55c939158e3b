/**
 * iopub: everything in order, nothing lost. Text of one stream is joined, and of
 * several updates of one display only the newest is sent, for at most 50 ms or
 * until something else is published.
 */
import { weightOf, type Extras, type ToWire } from "../thread-messages.js";
import type { Codec } from "./message.js";
import type { SendQueue } from "./send-queue.js";

const COALESCE_MS = 50;
/** A message is cut off here, so that a flood reaches the page in digestible pieces. */
const STREAM_CHUNK = 256 * 1024;
/** A flood does not wait for the time to pass. */
const FLUSH_WEIGHT = 4 * STREAM_CHUNK;
/** What a client reads, about: zeromq would keep the rest in memory without a bound. */
const WEIGHT_PER_MS = 50 * 1024;

type Output = Extract<ToWire, { kind: "publish" | "stream" | "update" }>;

type Pending =
  | { kind: "stream"; name: string; parent: string; texts: string[]; length: number }
  | { kind: "update"; displayId: string; parent: string; content: string }
  | { kind: "message"; type: string; parent: string; content: string; extras: Extras };

export class IopubPublisher {
  readonly #codec: Codec;
  readonly #queue: SendQueue;
  readonly #sent: (weight: number) => void;
  #pending: Pending[] = [];
  /** Weight of what is pending. */
  #weight = 0;
  /** When a client will have read what was sent. */
  #paceAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param sent is told the weight of what has left */
  constructor(codec: Codec, queue: SendQueue, sent: (weight: number) => void) {
    this.#codec = codec;
    this.#queue = queue;
    this.#sent = sent;
  }

  /** Takes what the engine has put on the backlog. */
  take(message: Output): void {
    this.#weight += weightOf(message);
    switch (message.kind) {
      case "publish":
        return this.publish(message.type, message.parent, message.content, message.extras);
      case "stream":
        this.#stream(message.name, message.parent, message.text);
        break;
      case "update":
        this.#update(message.displayId, message.parent, message.content);
    }
    if (this.#weight >= FLUSH_WEIGHT) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), COALESCE_MS);
  }

  publish(type: string, parent: string, content: string, extras: Extras = {}): void {
    this.#pending.push({ kind: "message", type, parent, content, extras });
    this.flush();
  }

  status(state: "starting" | "busy" | "idle", parent: string): void {
    this.publish("status", parent, JSON.stringify({ execution_state: state }));
  }

  #stream(name: string, parent: string, text: string): void {
    const last = this.#pending.at(-1);
    if (last?.kind === "stream" && last.name === name && last.parent === parent && last.length < STREAM_CHUNK) {
      last.texts.push(text);
      last.length += text.length;
    } else {
      this.#pending.push({ kind: "stream", name, parent, texts: [text], length: text.length });
    }
  }

  #update(displayId: string, parent: string, content: string): void {
    const waiting = this.#pending.find((one) => one.kind === "update" && one.displayId === displayId);
    if (waiting?.kind === "update") {
      waiting.content = content;
      waiting.parent = parent;
    } else {
      this.#pending.push({ kind: "update", displayId, parent, content });
    }
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [pending, weight] = [this.#pending, this.#weight];
    [this.#pending, this.#weight] = [[], 0];
    for (const one of pending) this.#send(one);
    if (weight > 0) void this.#queue.flushed().then(() => this.#acknowledge(weight));
  }

  /**
   * Lets the engine go on at the pace of a client. Never in this turn: the thread takes up to 1000 messages
   * in one, and a cell that went on meanwhile would keep an interrupt waiting.
   */
  #acknowledge(weight: number): void {
    const now = performance.now();
    this.#paceAt = Math.max(this.#paceAt, now) + weight / WEIGHT_PER_MS;
    setTimeout(() => this.#sent(weight), this.#paceAt - now);
  }

  #send(one: Pending): void {
    const type = one.kind === "stream" ? "stream" : one.kind === "update" ? "update_display_data" : one.type;
    const content = one.kind === "stream" ? JSON.stringify({ name: one.name, text: one.texts.join("") }) : one.content;
    void this.#queue.send(
      this.#codec.encode(
        [Buffer.from(type)],
        type,
        one.parent,
        content,
        one.kind === "message" ? one.extras : undefined,
      ),
    );
  }
}
