import { requireNumber } from "../base/arguments.js";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ColumnTable } from "arquero";
import type { Observable, Subscription } from "rxjs";
import {
  bundleOf,
  display,
  type Displayable,
  type DisplayHandle,
  displaySymbol,
  interruptSignal,
  mime,
  type MimeBundle,
} from "../base/display.js";
import type { EventBatch } from "../streams/batch.js";
import type { EventTable } from "../streams/table.js";
import { visible } from "../base/text.js";
import { Chart } from "../charts/chart.js";
import { EventWindow } from "./window.js";

/** Options of `charts.live`. */
export interface LiveOptions {
  /** Most frames a second; default 4. Nothing is drawn while nothing changes. */
  fps?: number;
  /** What of the newest events is drawn: at most so many rows, read within so many seconds; default 100,000 rows and 30 s. */
  window?: { rows?: number; seconds?: number };
}

/**
 * A view that follows a stream, in one output that updates in place.
 *
 * Of a stream of events `draw` gets a table of the newest ones; of a stream of tables, such as a map's
 * `poll`, the newest table. It returns a chart or anything else that can be shown.
 * The view ends with the stream, with `stop()`, with an interrupt of the cell, or with an error of
 * `draw`, which the output then shows. The last frame is always drawn, and with a picture, so that a
 * saved notebook keeps it.
 *
 * @throws ArgumentError if `fps` or a bound of the window is not above 0.
 * @example
 * const view = charts.live(ringbuf.events("rb"), (writes) => charts.histogram(writes, { x: "duration_ns" }), { fps: 4 });
 * await collect(ringbuf.events("rb"), { seconds: 10 });
 * await view.stop();
 */
export function live<Event>(
  stream: Observable<EventBatch<Event>>,
  draw: (table: EventTable<Event>) => unknown,
  options?: LiveOptions,
): LiveView;
export function live<Table extends ColumnTable>(
  stream: Observable<Table>,
  draw: (table: Table) => unknown,
  options?: LiveOptions,
): LiveView;
export function live(
  stream: Observable<EventBatch | ColumnTable>,
  draw: (table: any) => unknown,
  options: LiveOptions = {},
): LiveView {
  const period = 1000 / requireNumber("fps", options.fps ?? 4, { above: 0 });
  const rows = requireNumber("window.rows", options.window?.rows ?? 100_000, { above: 0 });
  const seconds = requireNumber("window.seconds", options.window?.seconds ?? 30, { above: 0 });
  return LiveView.make(stream, draw, period, new EventWindow(rows, seconds));
}

/** A running live view. */
export class LiveView implements Displayable {
  /** Resolves when the view has ended and its last frame is shown. It never rejects: see `error`. */
  readonly done: Promise<void>;
  /** What ended the view, if it was an error of the stream or of `draw`. */
  error: unknown;

  readonly #draw: (table: ColumnTable) => unknown;
  readonly #period: number;
  readonly #window: EventWindow;
  readonly #subscription: Subscription | undefined;
  readonly #signal = interruptSignal();
  readonly #onInterrupt = () => void this.stop();
  #ended = false;
  #changed = false;
  #wake: () => void = () => {};
  #newest: ColumnTable | undefined; // of a stream of tables
  #shown: unknown; // what draw returned last

  private constructor(
    stream: Observable<EventBatch | ColumnTable>,
    draw: (table: ColumnTable) => unknown,
    period: number,
    window: EventWindow,
  ) {
    this.#draw = draw;
    this.#period = period;
    this.#window = window;
    this.done = this.#follow(display("waiting for events"));
    this.#signal?.addEventListener("abort", this.#onInterrupt, { once: true });
    this.#subscription = stream.subscribe({
      next: (news) => {
        if (news instanceof ColumnTable) this.#newest = news;
        else if (!this.#window.add(news)) return;
        this.#changed = true;
        this.#wake();
      },
      error: (error: unknown) => {
        this.error = error;
        this.#end();
      },
      complete: () => this.#end(),
    });
    if (this.#ended || this.#signal?.aborted) this.#end(); // a stream may end before it can be unsubscribed from
  }

  /** @internal use `live` */
  static make(
    stream: Observable<EventBatch | ColumnTable>,
    draw: (table: ColumnTable) => unknown,
    period: number,
    window: EventWindow,
  ): LiveView {
    return new LiveView(stream, draw, period, window);
  }

  /** Ends the view; resolves when the last frame is shown. Calling it again does nothing. */
  stop(): Promise<void> {
    this.#end();
    return this.done;
  }

  /** What a cell shows that ends with the call: the chart has an output of its own. */
  [displaySymbol](): MimeBundle {
    return {
      "text/plain": this.#ended ? "live view, ended" : "live view, running until its stream ends or .stop() is called",
    };
  }

  #end(): void {
    this.#ended = true;
    this.#subscription?.unsubscribe();
    this.#signal?.removeEventListener("abort", this.#onInterrupt);
    this.#wake();
  }

  async #follow(output: Promise<DisplayHandle>): Promise<void> {
    const handle = await output;
    try {
      while (!this.#ended) {
        if (this.#changed) {
          await this.#drawFrame();
          handle.update(this.#shown instanceof Chart ? mime(this.#shown.frame()) : this.#shown);
          await this.#pause(this.#period);
        } else await this.#pause();
      }
      if (this.#changed) await this.#drawFrame();
      handle.update(mime(await bundleOf(this.#shown ?? "no events")));
      if (this.error !== undefined) await display(`The live view stopped: its stream failed: ${messageOf(this.error)}`);
    } catch (error) {
      this.error = error;
      this.#end();
      handle.update(`The live view stopped: drawing it failed: ${messageOf(error)}`);
    }
    await nextTurn(); // by now the output has changed
  }

  async #drawFrame(): Promise<void> {
    this.#changed = false;
    const table = this.#newest ?? this.#window.table();
    if (table) this.#shown = await this.#draw(table);
  }

  /** Waits so long, or for a change if no time is given; the view's end cuts both short. */
  #pause(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended) return resolve();
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        if (timer && !this.#ended) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function messageOf(error: unknown): string {
  return visible(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
