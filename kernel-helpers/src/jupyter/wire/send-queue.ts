/** One socket's way out: sends one after another, however many wait. */

type Frames = (string | Buffer)[];

interface Sendable {
  send(frames: Frames): Promise<void>;
}

/**
 * zeromq refuses a send while another one is pending (EBUSY), so they are chained.
 * A peer that is gone is no error here: its message is dropped, as zeromq does itself.
 */
export class SendQueue {
  readonly #socket: Sendable;
  #tail: Promise<void> = Promise.resolve();

  constructor(socket: Sendable) {
    this.#socket = socket;
  }

  /** Queues a message; the promise resolves when zeromq has it. */
  send(frames: Frames): Promise<void> {
    this.#tail = this.#tail.then(() => this.#socket.send(frames)).catch(() => undefined);
    return this.#tail;
  }

  /** Resolves when everything queued so far was sent. */
  flushed(): Promise<void> {
    return this.#tail;
  }
}
