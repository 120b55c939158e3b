import { display, hasHost, mime, type DisplayHandle, type MimeBundle } from "../base/display.js";

/**
 * One line in the notebook that says how a long call is getting on; silent in a plain script.
 * That it cannot be shown is no reason to lose what the call is about.
 */
export class Progress {
  #handle: Promise<DisplayHandle | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param line what to show, asked for four times a second */
  constructor(line: () => string) {
    if (!hasHost()) return;
    this.#handle = display(line()).catch(() => undefined);
    this.#timer = setInterval(() => void this.#show(line()), 250).unref();
  }

  async #show(shown: unknown): Promise<void> {
    (await this.#handle)?.update(shown);
  }

  /** Replaces the line by a last one, and may say more in other MIME types. */
  async done(text: string, more: MimeBundle = {}): Promise<void> {
    clearInterval(this.#timer);
    await this.#show(mime({ ...more, "text/plain": text }));
  }
}
