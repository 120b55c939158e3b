import { defer } from "rxjs";
import { requireNumber } from "../base/arguments.js";
import { interruptSignal } from "../base/display.js";
import { ArgumentError } from "../base/errors.js";
import type { CollectOptions } from "./collect.js";
import { Progress } from "./progress.js";

/**
 * Waits for the first of `seconds`, `until` and an interrupt of the cell, showing the time that has passed.
 *
 * @param told what there is so far, such as `12 stacks`
 * @throws ArgumentError; what `until` throws
 */
export function wait({ seconds, rows, until }: CollectOptions, told: () => string): Promise<void> {
  if (rows !== undefined)
    throw new ArgumentError("rows: a rollup has as many rows as there are groups.", {
      hint: "End it by seconds or until.",
    });
  if (seconds !== undefined) requireNumber("seconds", seconds, { above: 0, to: 2_147_483 });
  return new Promise((resolve, reject) => {
    const begun = Date.now();
    const signal = interruptSignal();
    const line = () =>
      `${told()}, ${((Date.now() - begun) / 1000).toFixed(1)} s${seconds === undefined ? "" : ` of ${seconds} s`}`;
    const progress = new Progress(line);
    let ended = false;
    const end = (finish: () => void) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      subscription?.unsubscribe();
      void progress
        .done(`${line()}${signal?.aborted ? ", interrupted" : ""}.`, {})
        .then(finish)
        .catch(reject);
    };
    const stop = () => end(resolve);
    const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000);
    const subscription =
      until === undefined
        ? undefined
        : defer(() => (typeof until === "function" ? until() : until)).subscribe({
            next: stop,
            complete: stop,
            error: (error: unknown) => end(() => reject(error as Error)),
          });
    if (ended) subscription?.unsubscribe();
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
