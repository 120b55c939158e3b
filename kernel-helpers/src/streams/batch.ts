import type { EventTable } from "./table.js";

/**
 * One hand-over from a ring buffer: the events as a table, and the account of what
 * did not make it. At every moment
 * `produced = delivered + lost + dropped + unread + still in flight`,
 * where unread are the records that came while nobody subscribed.
 *
 * @typeParam Event the record's columns and their JavaScript types
 */
export interface EventBatch<Event = Record<string, any>> {
  /**
   * The events, oldest first; a column a field, nested fields as `outer.inner`. Its capture (see `captureOf`) is that of
   * the whole subscription until now.
   */
  readonly table: EventTable<Event>;
  /** The ring's name, such as `ringbuf.rb`. */
  readonly source?: string;
  /** Number of rows in `table`. */
  readonly rows: number;
  /** Records the kernel could not reserve because the ring was full: total since attach. */
  readonly lost: number;
  /** Records read but not kept because `bufferBytes` was reached: total since attach. */
  readonly dropped: number;
  /** 64-bit values beyond 2^53 that lost digits in a Float64Array: total since attach. */
  readonly inexact: number;
  /** When the drain thread handed these over: CLOCK_MONOTONIC, ns. */
  readonly drainedAt: number;
  /** `lost` and `dropped` when this subscription began, so that a reader can tell its own losses. */
  readonly baseline: { readonly lost: number; readonly dropped: number };
}
