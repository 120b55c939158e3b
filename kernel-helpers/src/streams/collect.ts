import { requireInteger, requireNumber } from "../base/arguments.js";
import { table as makeTable } from "arquero";
import { defer, from, switchMap, type Observable, type ObservableInput, type Subscription } from "rxjs";
import { BpflabError } from "../base/errors.js";
import { interruptSignal } from "../base/display.js";
import type { EventBatch } from "./batch.js";
import { concatTables } from "./concat-tables.js";
import { reifyRows } from "./rows.js";
import { settleRings } from "./drain.js";
import { gatherableFrom, type News } from "./events.js";
import { captureBundle, lossNote, lossText, markCapture, missedSince, sumMissing, type Capture } from "./capture.js";
import { clockFromNow, provenance } from "./clock.js";
import { Progress } from "./progress.js";
import { remoteFrom } from "./remote.js";
import type { EventTable } from "./table.js";

/** When to stop collecting; the first of them that is given and comes true counts. */
export interface CollectOptions {
  /** Stop after so many seconds. */
  seconds?: number;
  /** Stop at exactly so many rows. */
  rows?: number;
  /**
   * Stop when this emits, resolves or completes: a promise, an Observable, or a function that
   * returns one. The function is called once the collection has begun, so that none of the
   * events of what it starts is missed.
   */
  until?: ObservableInput<unknown> | (() => ObservableInput<unknown>);
}

/**
 * A stream failed while it was being collected; what had come is in `collected`.
 *
 * @example
 * await collect(ringbuf.events("rb"), { until: () => Promise.reject(new Error("stop")) }).catch((error) => {
 *   if (error instanceof CollectError) console.error(error.collected.numRows());
 * });
 */
export class CollectError extends BpflabError {
  /** The events that had come. */
  readonly collected: EventTable<any>;

  constructor(collected: EventTable<any>, cause: unknown) {
    super(
      "COLLECT",
      `The stream failed after ${collected.numRows().toLocaleString("en")} events: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        hint: "The events up to then are in the error's field collected.",
        cause,
      },
    );
    this.collected = collected;
  }
}

/**
 * Collects the events of a stream into one table, until the first of `seconds`, `rows`, `until`,
 * the end of the stream, or an interrupt of the cell. Whatever ends it, what came is returned.
 *
 * Shows its progress in a notebook. The table knows what was lost meanwhile: charts and
 * summaries made from it say so.
 *
 * @throws ArgumentError; CollectError when the stream fails, which holds what had come
 * @example
 * const writes = await collect(ringbuf.events("rb"), { seconds: 5 });
 * const dd = await collect(ringbuf.events("rb"), { until: () => execa("dd", ["if=/dev/zero", "of=/dev/null", "count=1000"]) });
 */
export function collect<Event>(
  stream: Observable<EventBatch<Event>>,
  options: CollectOptions = {},
): Promise<EventTable<Event>> {
  const { seconds, rows: most = Infinity, until } = options;
  // Node's timers know no longer time, and take what is for 1 ms.
  if (seconds !== undefined) requireNumber("seconds", seconds, { above: 0, to: 2_147_483 });
  if (most !== Infinity) requireInteger("rows", most, { from: 1 });

  return new Promise((resolve, reject) => {
    const batches: EventBatch<Event>[] = [];
    const signal = interruptSignal();
    const subscriptions: Subscription[] = [];
    const gathered = gatherableFrom(stream);
    const remote = remoteFrom(stream);
    const accounts = new Map<string, News>(); // the newest of each stream that was merged into this one
    const clock = clockFromNow();
    let startedAt = clock();
    let rows = 0;
    let waiting = 0; // in the addon
    let columns: EventTable<Event> | undefined; // of a batch without rows
    let stopping = false; // what comes to wait from now on is not of this collection
    let ended = false;
    let timer: NodeJS.Timeout | undefined;

    const note = (news: News) => void accounts.set(JSON.stringify([news.source, news.baseline]), news);
    const capture = (endedAt: number): Capture => {
      const all = [...accounts.values()];
      const missed = sumMissing(all.map((news) => missedSince(news, news.baseline)));
      const notes = [...new Set(all.flatMap(({ notes = [] }) => notes))];
      return {
        source: [...new Set(all.map(({ source }) => source ?? "events"))].join(" and ") || "events",
        rows: Math.min(rows + waiting, most),
        ...missed,
        ...(notes.length > 0 ? { notes } : {}),
        startedAt,
        endedAt,
      };
    };
    const progress = new Progress(() => progressLine(capture(clock()), seconds, most));

    /** Closes the account and then, not before, shows it: drawing takes time that the collection did not. */
    const end = (finish: (table: EventTable<Event>) => void, endedAt = clock()) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      if (rows > most) gathered?.giveBack(rows - most);
      for (const subscription of subscriptions) subscription.unsubscribe();
      try {
        waiting = 0;
        const all = batches.length > 0 ? concatTables(batches.map((b) => b.table)) : (columns ?? makeTable({}));
        const account = { ...capture(endedAt), ...(remote?.provenance() ?? provenance()) };
        const table = markCapture(
          rows > most
            ? reifyRows(
                all,
                Uint32Array.from({ length: most }, (_, row) => row),
              )
            : all,
          account,
        ) as EventTable<Event>;
        const loss = lossNote(account);
        const line = `${progressLine(account, seconds, most)}${signal?.aborted ? ", interrupted" : ""}.`;
        void progress
          .done(loss ? `${line} ${loss}` : line, captureBundle(account))
          .then(() => finish(table))
          .catch(reject);
      } catch (error) {
        void progress.done("The events cannot be combined into one table.").finally(() => reject(error as Error));
      }
    };
    const stop = () => {
      if (ended || stopping) return;
      stopping = true;
      const endedAt = clock();
      clearTimeout(timer);
      if (remote) return void remote.settle().finally(() => end(resolve, endedAt));
      if (gathered?.gathers) gathered.flush();
      settleRings(); // what the rings hold at this moment belongs to the capture
      end(resolve, endedAt);
    };

    const onWaiting = (news: News) => {
      if (ended || stopping) return;
      note(news);
      waiting = news.rows;
      if (rows + waiting >= most) stop();
    };
    startedAt = clock();
    subscriptions.push(
      (gathered?.gathers ? gathered.batches(onWaiting) : stream).subscribe({
        next(batch) {
          if (ended) return;
          note(batch);
          waiting = 0;
          const more = batch.table.numRows(); // an operator on the way may have filtered it
          if (more > 0) batches.push(batch);
          else columns = batch.table;
          rows += more;
          if (rows >= most) end(resolve);
        },
        error: (error: unknown) => end((table) => reject(new CollectError(table, error))),
        complete: () => end(resolve),
      }),
    );
    const fail = (error: unknown) => end((table) => reject(new CollectError(table, error)));
    const begin = () => {
      if (ended || stopping) return;
      startedAt = clock();
      if (seconds !== undefined) timer = setTimeout(stop, seconds * 1000);
    };
    const begun = remote?.ready().then(begin);
    begun?.catch(fail);
    if (!begun) begin();
    if (until !== undefined && !ended) {
      const ending = defer(() => (typeof until === "function" ? until() : until));
      subscriptions.push(
        (begun ? from(begun).pipe(switchMap(() => ending)) : ending).subscribe({
          next: stop,
          complete: stop,
          error: fail,
        }),
      );
    }
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
    if (ended) for (const subscription of subscriptions) subscription.unsubscribe(); // ended before they were listed
  });
}

function progressLine(capture: Capture, seconds: number | undefined, most: number): string {
  const { rows, startedAt, endedAt } = capture;
  const time = ((endedAt - startedAt) / 1000).toFixed(1);
  return [
    `${rows.toLocaleString("en")}${most === Infinity ? "" : ` of ${most.toLocaleString("en")}`} events`,
    `${time} s${seconds === undefined ? "" : ` of ${seconds} s`}`,
    lossText(capture),
  ].join(", ");
}
