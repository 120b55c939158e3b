/** `process.stdin` in a notebook: each line that is read is asked for below the cell. */
import { Readable } from "node:stream";
import type { Input } from "./input.js";

export class NotebookStdin extends Readable {
  readonly fd = 0;
  readonly isTTY = false;
  readonly #input: Input;

  constructor(input: Input) {
    super({ highWaterMark: 0 }); // asks when somebody reads, and not ahead
    this.#input = input;
  }

  /** True when nobody reads it any more. */
  get isDone(): boolean {
    const isRead = this.listenerCount("data") + this.listenerCount("readable") > 0;
    return this.destroyed || this.readableEnded || (this.isPaused() && !isRead);
  }

  override _read(): void {
    this.#input.askLater("").then(
      (line) => this.push(line === null ? null : `${line}\n`),
      (error: Error) => this.destroy(error),
    );
  }

  /** Terminals have it; a program may call it on what it takes for one. */
  setRawMode(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
