/** Asks the user for a line of text: the wire sends the question, and its answer comes through a port of its own. */
import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { Channel } from "../channel.js";
import { currentCell } from "../interrupt/cell.js";
import { Shared } from "../thread-messages.js";

/** How long the thread sleeps at a time while it waits for the user; an interrupt ends it in between. */
const NAP_MS = 20;

export class Input {
  readonly #channel: Channel;
  readonly #shared: Int32Array;
  readonly #answers: MessagePort;
  readonly #isAllowed: () => boolean;

  /** @param isAllowed whether the front end can ask its user now */
  constructor(channel: Channel, shared: Int32Array, answers: MessagePort, isAllowed: () => boolean) {
    this.#channel = channel;
    this.#shared = shared;
    this.#answers = answers;
    this.#isAllowed = isAllowed;
  }

  /** Asks and waits, as browsers and Deno do; null where nobody can be asked. */
  ask(prompt: string): string | null {
    if (!this.#send(prompt)) return null;
    while (Atomics.load(this.#shared, Shared.inputReady) === 0)
      Atomics.wait(this.#shared, Shared.inputReady, 0, NAP_MS);
    return this.#answer();
  }

  /** Asks, and resolves when the answer is there; null where nobody can be asked. */
  async askLater(prompt: string): Promise<string | null> {
    if (!this.#send(prompt)) return null;
    const { waitAsync } = Atomics as unknown as {
      waitAsync(array: Int32Array, index: number, value: number): { value: unknown };
    };
    await waitAsync(this.#shared, Shared.inputReady, 0).value;
    return this.#answer();
  }

  #send(prompt: string): boolean {
    const cell = currentCell();
    if (!cell || !this.#isAllowed()) return false;
    while (receiveMessageOnPort(this.#answers)); // an answer to a question that was interrupted
    Atomics.store(this.#shared, Shared.inputReady, 0);
    this.#channel.post({ kind: "input", id: cell.id, content: JSON.stringify({ prompt, password: false }) });
    return true;
  }

  #answer(): string {
    return String(receiveMessageOnPort(this.#answers)?.message ?? "");
  }
}
