/**
 * Ends what keeps the main thread busy, from outside, through the inspector.
 *
 * The main thread is asked first; only if the cell is not over soon, the code that
 * runs there is ended by V8's termination, which neither catch nor finally stops.
 */
import { Session } from "node:inspector/promises";
import { Shared, type ToEngine } from "../link.js";

/** Time a cell gets to end by itself once it was asked to. */
export const GRACE_MS = 100;
const RETRY_MS = 3;

/** The expression that the main thread is made to run; see engine/termination.ts. */
export const TERMINATE = "globalThis[Symbol.for('bpflab.terminate')]()";

export class Interrupter {
  readonly #shared: Int32Array;
  readonly #tellEngine: (message: ToEngine) => void;
  #sequence = 0;

  constructor(shared: Int32Array, tellEngine: (message: ToEngine) => void) {
    this.#shared = shared;
    this.#tellEngine = tellEngine;
  }

  /** Asks the engine to interrupt its cell, and ends code of the cell that is busy after the grace period. */
  interrupt(): void {
    const sequence = ++this.#sequence;
    this.#tellEngine({ kind: "interrupt", sequence });
    this.endBusyCode(
      () => Atomics.load(this.#shared, Shared.interruptsServed) >= sequence,
      () => this.#tellEngine({ kind: "terminated", sequence }),
    );
  }

  /** After the grace period, ends the user's code wherever it keeps the main thread, until `isDone` says that it need not. */
  endBusyCode(isDone: () => boolean, ended: () => void = () => undefined): void {
    setTimeout(() => void this.#endUntil(isDone, ended), GRACE_MS);
  }

  async #endUntil(isDone: () => boolean, ended: () => void): Promise<void> {
    if (isDone()) return;
    // Connected only when needed: a process that exits waits for its inspector sessions.
    const session = new Session();
    session.connectToMainThread();
    try {
      while (!isDone()) {
        const { result } = await session.post("Runtime.evaluate", { expression: TERMINATE, returnByValue: true });
        if (result.value === true) return ended();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    } finally {
      session.disconnect();
    }
  }
}
