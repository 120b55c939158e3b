/** What cells have in their global scope: `prompt()` that asks in the notebook, `console.clear()` that clears the output. */
import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { Shared } from "../thread-messages.js";
import { currentCell } from "../interrupt/cell.js";
import type { Channel } from "../channel.js";

/** How long the thread sleeps at a time while it waits for the user; an interrupt ends it in between. */
const NAP_MS = 20;

/** Installs the globals that `cell-globals.ts` declares. */
export function installGlobals(
  channel: Channel,
  shared: Int32Array,
  answers: MessagePort,
  allowsInput: () => boolean,
): void {
  // Blocks, as in browsers and Deno: the answer comes through the wire, which does not.
  globalThis.prompt = (message = "", defaultText = "") => {
    const cell = currentCell();
    if (!cell || !allowsInput()) return null;
    while (receiveMessageOnPort(answers)); // an answer to a prompt that was interrupted
    Atomics.store(shared, Shared.inputReady, 0);
    channel.post({ kind: "input", id: cell.id, content: JSON.stringify({ prompt: message, password: false }) });
    while (Atomics.load(shared, Shared.inputReady) === 0) Atomics.wait(shared, Shared.inputReady, 0, NAP_MS);
    const text = receiveMessageOnPort(answers)?.message as string | undefined;
    return text || defaultText;
  };
  console.clear = () => {
    const cell = currentCell();
    if (cell && !cell.silent) channel.publish("clear_output", cell.parent, { wait: false });
  };
}
