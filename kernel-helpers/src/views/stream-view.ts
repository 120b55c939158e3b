/** An Observable in a notebook: followed live, in one output that updates in place. */
import { inspect } from "node:util";
import { ColumnTable } from "arquero";
import type { Observable } from "rxjs";
import { type Subscription } from "rxjs";
import {
  detached,
  display,
  hasHost,
  interruptSignal,
  mime,
  type DisplayHandle,
  type MimeBundle,
} from "../base/display.js";
import type { EventBatch } from "../streams/batch.js";
import { concatTables } from "../streams/concat-tables.js";
import { html, trusted, type Html } from "../base/html.js";
import { visible } from "../base/text.js";
import { Button } from "../widgets/button.js";
import { tableHtml } from "../tables/table-html.js";
import { tableText } from "../tables/plain.js";
import { lossText, missedSince } from "../streams/capture.js";
import { counted, formatNumber } from "../tables/units.js";

/** How often the view is drawn while something changes. */
const FRAME_MS = 250;
/** What is said of the rate looks so far back. */
const RATE_MS = 2000;
/** Rows and values shown, the newest. */
const SHOWN = 10;
const MOST_TEXT = 200;

/**
 * A running view of a stream: how many events came and how fast, what was lost, and the newest ones.
 * It ends with the stream, its button, `stop()` or an interrupt of the kernel; attachments live on.
 */
export class StreamView {
  /** Resolves when the view has ended. */
  readonly done: Promise<void>;

  readonly #output: DisplayHandle;
  readonly #button = new Button({ description: "Stop", icon: "stop" });
  readonly #signal = interruptSignal();
  readonly #startedAt = Date.now();
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;
  #finish!: () => void;
  #state = "running";
  #drawn: string | undefined;
  #rows = 0;
  #samples: { at: number; rows: number }[] = [{ at: Date.now(), rows: 0 }];
  #tables: ColumnTable[] = [];
  #values: unknown[] = [];
  #batch: EventBatch | undefined;

  private constructor(stream: Observable<unknown>, output: DisplayHandle) {
    this.#output = output;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    this.#signal?.addEventListener("abort", this.#onInterrupt, { once: true });
    this.#button.clicks.subscribe(() => this.stop());
    this.#timer = detached(() => setInterval(() => this.#draw(), FRAME_MS)).unref();
    this.#subscription = stream.subscribe({
      next: (value) => this.#take(value),
      error: (error: unknown) => this.#end(`failed: ${error instanceof Error ? error.message : String(error)}`),
      complete: () => this.#end("ended"),
    });
    if (this.#state !== "running")
      this.#subscription.unsubscribe(); // ended before it could be unsubscribed from
    else if (this.#signal?.aborted) this.stop();
    this.#draw();
  }

  /** @internal use `watch` */
  static make(stream: Observable<unknown>, output: DisplayHandle): StreamView {
    return new StreamView(stream, output);
  }

  /** @internal */
  get button(): Button {
    return this.#button;
  }

  /** True until the stream ends or fails, or the view is stopped. */
  get running(): boolean {
    return this.#state === "running";
  }

  /** Ends the view. Calling it again does nothing. */
  stop(): void {
    this.#end("stopped");
  }

  readonly #onInterrupt = (): void => this.#end("stopped by an interrupt");

  #end(state: string): void {
    if (!this.running) return;
    this.#state = state;
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
    this.#signal?.removeEventListener("abort", this.#onInterrupt);
    this.#button.close();
    this.#draw();
    this.#finish();
  }

  #take(value: unknown): void {
    if (isBatch(value)) {
      this.#batch = value;
      this.#rows += value.table.numRows();
      this.#keep(value.table);
    } else {
      this.#rows++;
      if (value instanceof ColumnTable) this.#tables = [value];
      else this.#values = [...this.#values.slice(1 - SHOWN), value];
    }
  }

  /** Holds on to as few batches as have the newest rows. */
  #keep(table: ColumnTable): void {
    if (table.numRows() === 0) return;
    this.#tables.push(table);
    let behind = this.#tables.reduce((sum, one) => sum + one.numRows(), 0);
    while ((behind -= this.#tables[0]!.numRows()) >= SHOWN) this.#tables.shift();
  }

  /** Such as `running: 12,345 events, 1,234 a second, 0 lost`. */
  #account(): string {
    const now = Date.now();
    this.#samples.push({ at: now, rows: this.#rows });
    while (this.#samples.length > 2 && now - this.#samples[1]!.at >= RATE_MS) this.#samples.shift();
    const from = this.running ? this.#samples[0]! : { at: this.#startedAt, rows: 0 };
    const rate = (this.#rows - from.rows) / Math.max(0.001, (now - from.at) / 1000);
    const batch = this.#batch;
    const noun = batch ? "event" : this.#tables.length > 0 ? "table" : "value";
    return [
      `${this.#state}: ${counted(this.#rows, noun)}`,
      `${formatNumber(Number(rate.toPrecision(3)))} a second`,
      ...(batch ? [lossText(missedSince(batch, batch.baseline))] : []),
    ].join(", ");
  }

  #draw(): void {
    const account = this.#account();
    if (account === this.#drawn) return;
    this.#drawn = account;
    const line = `${account}, ${((Date.now() - this.#startedAt) / 1000).toFixed(1)} s`;
    const { markup, text } = this.#newest();
    this.#output.update(
      mime({
        "text/html": html`<div class="bpflab-stream"><p><strong>${line}</strong></p>${markup}</div>`.toString(),
        "text/plain": `${visible(line)}\n${text}`,
      }),
    );
  }

  #newest(): { markup: Html | undefined; text: string } {
    if (this.#tables.length > 0) {
      const whole = concatTables(this.#tables);
      const table = this.#batch ? whole.slice(-SHOWN) : whole;
      return { markup: trusted(tableHtml(table, { limit: SHOWN })), text: tableText(table, { limit: SHOWN }) };
    }
    const text = this.#values
      .map((value) => visible(inspect(value, { breakLength: Infinity, depth: 2 }).slice(0, MOST_TEXT)))
      .join("\n");
    // Line by line, for a line's end within a value has to be seen.
    const lines = text.split("\n").flatMap((line, i) => [i > 0 && trusted("\n"), line]);
    return { markup: text ? html`<pre>${lines}</pre>` : undefined, text };
  }
}

function isBatch(value: unknown): value is EventBatch {
  const { table, drainedAt } = (value ?? {}) as Partial<EventBatch>;
  return table instanceof ColumnTable && typeof drainedAt === "number";
}

/**
 * Follows a stream in an output of the running cell; a cell that ends with an Observable does the same.
 *
 * @returns the view once it is shown, with `stop()` and `done`
 * @example
 * const view = await watch(ringbuf.events("rb"));
 * view.stop();
 */
export async function watch(stream: Observable<unknown>): Promise<StreamView> {
  const view = StreamView.make(stream, await display(mime({ "text/plain": "waiting" })));
  if (view.running) await display(view.button);
  return view;
}

/** An Observable that is the last expression of a cell: a view that goes on. */
export async function streamBundle(stream: Observable<unknown>): Promise<MimeBundle> {
  if (!hasHost()) return { "text/plain": "Observable" };
  const view = await watch(stream);
  return view.running
    ? { "text/plain": "live view: it ends with its stream, by its button, or when the kernel is interrupted" }
    : {};
}

/** What `subscribe(…)` returns, as the last expression of a cell: in words, in place of RxJS's own parts. */
export function subscriptionBundle({ closed }: Subscription): MimeBundle {
  return {
    "text/plain": closed
      ? "This subscription has ended."
      : "Subscribed: it goes on until its stream ends or unsubscribe() is called.",
  };
}
