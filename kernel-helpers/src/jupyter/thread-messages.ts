/**
 * What the two threads of the kernel say to each other.
 *
 *   front end ──zeromq──▶ wire (worker thread) ──ToEngine──▶ engine (main thread, the user's code)
 *                                              ◀──ToWire───
 *
 * The wire never waits for the engine, so it answers while a cell keeps the main
 * thread busy. Contents cross as JSON text: they are serialised once, and the
 * structured clone of a large chart or of a function in it is avoided.
 */

/** A request of the front end, for the engine. */
export interface Request {
  /** Counts requests from 1; the wire keeps the return address under it. */
  readonly id: number;
  readonly type: string;
  /** The request's header as it came, the parent of everything it causes. */
  readonly parent: string;
  readonly content: Record<string, unknown>;
  /** The notebook's id of the cell, where the front end says it. */
  readonly cellId?: string | undefined;
  /** Binary data beside the content, as comm messages have it. */
  readonly buffers: readonly Uint8Array[];
}

export type ToEngine =
  | { kind: "request"; request: Request }
  | { kind: "interrupt"; sequence: number }
  /** The code that kept the main thread busy was ended; whatever it held is gone. */
  | { kind: "terminated"; sequence: number }
  | { kind: "shutdown" };

/** What a message may carry beside its content. */
export interface Extras {
  metadata?: Record<string, unknown>;
  buffers?: readonly Uint8Array[];
}

export type ToWire =
  | { kind: "publish"; type: string; parent: string; content: string; extras?: Extras }
  | { kind: "stream"; name: "stdout" | "stderr"; parent: string; text: string }
  /** Replaces an update of the same display that waits to be sent. */
  | { kind: "update"; displayId: string; parent: string; content: string }
  | { kind: "busy"; id: number; parent: string }
  /** Sends the reply, then `idle`. */
  | { kind: "reply"; id: number; content: string }
  | { kind: "input"; id: number; content: string };

/** What a message adds to the backlog: its text, and the work that each message is. Stream text and updates are joined before they are sent. */
export function weightOf(message: ToWire): number {
  const text = message.kind === "stream" ? message.text : "content" in message ? message.content : "";
  return text.length + (message.kind === "publish" ? 16384 : 256);
}

/** Indices into the Int32Array that both threads see. */
export const Shared = {
  /** Sequence number of the newest interrupt whose cell is over. */
  interruptsServed: 0,
  /** Id of the newest execute request that has arrived. */
  newestExecute: 1,
  /** Becomes 1 when an answer to a prompt waits in its port. */
  inputReady: 2,
  /** 1 once the main thread is on its way out. */
  leaving: 3,
  /** Weight of the output that the wire has not sent yet. */
  backlog: 4,
  /** While the main thread waits for a child process in a call: 1, or the child before that one; otherwise 0. */
  waitsForChild: 5,
  /** The interrupt that ended the child which the main thread waited for, until that has seen it. */
  childEndedBy: 6,
} as const;

/** Bytes for the array that `Shared` indexes. */
export const SHARED_BYTES = 7 * Int32Array.BYTES_PER_ELEMENT;

/** What the worker gets when it starts. */
export interface WireData {
  connection: import("./wire/connection-file.js").Connection;
  shared: Int32Array;
  /** To and from the engine; a port of our own, because it keeps messages until somebody listens. */
  engine: import("node:worker_threads").MessagePort;
  /** Answers to prompts go in here, for the engine to take while it blocks. */
  input: import("node:worker_threads").MessagePort;
  /** The process that started this one: the kernel ends when it does. */
  parent: number;
}
