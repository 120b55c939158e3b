/**
 * Ends what keeps the main thread busy, from outside, through the inspector.
 *
 * The main thread is asked first; only if the cell is not over soon, the code that
 * runs there is ended by V8's termination, which neither catch nor finally stops.
 */
import { Session } from "node:inspector/promises";
import { Shared, type ToEngine } from "../thread-messages.js";
import { endWaitedChild } from "./waited-child.js";

/** Time a cell gets to end by itself once it was asked to. */
export const GRACE_MS = 100;
const RETRY_MS = 3;
/** A main thread that has not looked up after this time is in a call that nothing can end. */
const STUCK_MS = 1000;

/** The expression that the main thread is made to run for an interrupt; see engine/termination.ts. */
const terminate = (sequence: number): string => `globalThis[Symbol.for("bpflab.terminate")](${sequence})`;

/** What is done about a main thread that cannot be reached: native code keeps it, such as a read of a pipe that nobody writes to. */
export interface Stuck {
  /** Tells the user. */
  tell(): void;
  /** The user asks for the end again. */
  giveUp(): void;
}

export class Interrupter {
  readonly #shared: Int32Array;
  readonly #tellEngine: (message: ToEngine) => void;
  readonly #stuck: Stuck;
  #sequence = 0;
  /** The user was told that nothing but a restart helps. */
  #isStuck = false;

  constructor(shared: Int32Array, tellEngine: (message: ToEngine) => void, stuck: Stuck) {
    this.#shared = shared;
    this.#tellEngine = tellEngine;
    this.#stuck = stuck;
  }

  /** Asks the engine to interrupt its cell, and ends code of the cell that is busy after the grace period. */
  interrupt(): void {
    if (this.#isStuck) return this.#stuck.giveUp();
    const sequence = ++this.#sequence;
    this.#tellEngine({ kind: "interrupt", sequence });
    const isDone = (): boolean => Atomics.load(this.#shared, Shared.interruptsServed) >= sequence;
    void this.#endUntil(isDone, sequence, () => this.#tellEngine({ kind: "terminated", sequence }));
  }

  #sayStuck(): void {
    if (this.#isStuck) return;
    this.#isStuck = true;
    this.#stuck.tell();
  }

  /** For a process that is to exit: ends whatever code keeps the main thread from leaving after the grace period. */
  leave(): void {
    void this.#endUntil(
      () => Atomics.load(this.#shared, Shared.leaving) === 1,
      ++this.#sequence,
      () => {},
    );
  }

  /**
   * After the grace period, ends the user's code as soon as that can be done, and what then runs of it, such as a getter
   * of the error that it ends with, until there is no need any more.
   *
   * @param ended told each time that it has
   */
  async #endUntil(isDone: () => boolean, sequence: number, ended: () => void): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    if (isDone()) return;
    endWaitedChild(this.#shared, sequence);
    // Connected only when needed: a process that exits waits for its inspector sessions.
    const session = new Session();
    session.connectToMainThread();
    try {
      while (!isDone()) {
        // The termination of another interrupt may end this very call: then it is asked again.
        const watch = setTimeout(() => this.#sayStuck(), STUCK_MS);
        const answer = await session
          .post("Runtime.evaluate", { expression: terminate(sequence), returnByValue: true })
          .catch(() => undefined);
        clearTimeout(watch);
        this.#isStuck = false;
        const hasEnded = answer?.result.value === true;
        if (hasEnded) ended();
        await new Promise((resolve) => setTimeout(resolve, hasEnded ? GRACE_MS : RETRY_MS));
      }
    } finally {
      session.disconnect();
    }
  }
}
