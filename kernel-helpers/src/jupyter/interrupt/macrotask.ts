/**
 * Turns of the event loop for code that may be ended in the middle.
 *
 * An immediate is no such turn: Node 20 keeps its list of them in order in a `finally`, which V8's termination does not
 * run, and from then on fails at each turn ("reading '_idleNext'"). Messages of a port come one by one, and the next
 * comes whatever became of the one before.
 */
import { MessageChannel } from "node:worker_threads";

const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];

port2.on("message", () => waiting.shift()?.());
port2.unref();

/** Calls back with an empty stack below, after what is waiting already. */
export function macrotask(callback: () => void): void {
  waiting.push(callback);
  port1.postMessage(undefined);
}
