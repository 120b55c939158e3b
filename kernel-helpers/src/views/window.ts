import type { ColumnTable } from "arquero";
import type { EventBatch } from "../streams/batch.js";
import { concatTables } from "../streams/concat-tables.js";
import { captureOf, markCapture, missedSince } from "../streams/capture.js";

/** The newest batches of a stream, and the account of all of them. Memory is bounded by the window, not by the stream. */
export class EventWindow {
  readonly #rows: number;
  readonly #seconds: number;
  readonly #startedAt = Date.now();
  #batches: EventBatch[] = [];
  #held = 0;
  #delivered = 0;
  #newest: EventBatch | undefined;

  /** Keeps at least the newest `rows` rows that were read in the last `seconds` seconds. */
  constructor(rows: number, seconds: number) {
    this.#rows = rows;
    this.#seconds = seconds;
  }

  /** Takes a batch in; true if that changes what there is to show. */
  add(batch: EventBatch): boolean {
    const missing = this.#missing();
    this.#newest = batch;
    if (batch.rows === 0) return this.#missing() !== missing;
    this.#batches.push(batch);
    this.#held += batch.rows;
    this.#delivered += batch.rows;
    const oldest = batch.drainedAt - this.#seconds * 1e9;
    while (
      this.#batches.length > 1 &&
      (this.#batches[0]!.drainedAt < oldest || this.#held - this.#batches[0]!.rows >= this.#rows)
    ) {
      this.#held -= this.#batches.shift()!.rows;
    }
    return true;
  }

  /** The events as one table that knows what was lost since the window began; undefined before the first batch. */
  table(): ColumnTable | undefined {
    const newest = this.#newest;
    if (!newest) return undefined;
    const all =
      this.#batches.length > 1
        ? concatTables(this.#batches.map((batch) => batch.table))
        : (this.#batches[0] ?? newest).table;
    const marked = markCapture(all, {
      ...captureOf(newest.table), // where it comes from, and what there is to know of the way
      source: newest.source ?? "live",
      rows: this.#delivered,
      ...missedSince(newest, newest.baseline),
      startedAt: this.#startedAt,
      endedAt: Date.now(),
    });
    return all.numRows() > this.#rows ? marked.slice(-this.#rows) : marked;
  }

  #missing(): number {
    const newest = this.#newest;
    if (!newest) return 0;
    const { lost = 0, dropped, malformed } = missedSince(newest, newest.baseline);
    return lost + dropped + (malformed?.records ?? 0);
  }
}
