import type { EventTable } from "./table.js";

/**
 * One hand-over from a ring buffer or perf event array: the events as a table, and the account of what
 * did not make it. At every moment
 * `produced = delivered + lost + dropped + malformed + unread + still in flight`,
 * where unread are the records that came while nobody subscribed.
 *
 * @typeParam Event the record's columns and their JavaScript types
 */
export interface EventBatch<Event = Record<string, any>> {
  /**
   * The events, oldest first; one column per field, nested fields as `outer.inner`. Its capture (see `captureOf`) is that of
   * the whole subscription until now.
   */
  readonly table: EventTable<Event>;
  /** The ring's name, such as `ringbuf.rb`. */
  readonly source?: string;
  /** Number of rows in `table`. */
  readonly rows: number;
  /**
   * Records the kernel could not reserve because the ring was full: total since attach. Undefined where it is not
   * known: the kernel counts for perf event arrays, and programs that use bpflab.h for their rings; others do not.
   */
  readonly lost: number | undefined;
  /** Records read but not kept because `bufferBytes` was reached: total since attach. */
  readonly dropped: number;
  /** Records in no table, because they are longer or shorter than their type is: total since attach. */
  readonly malformed: number;
  /** What was wrong with these, such as `event has 48 bytes, the last of these has 40`. */
  readonly malformedBecause?: string;
  /** 64-bit values beyond 2^53 that lost digits in a Float64Array: total since attach. */
  readonly inexact: number;
  /** What else is missing since this subscription began, in sentences: runs of the programs that the kernel skipped. */
  readonly notes?: readonly string[];
  /** When the drain thread handed these over: CLOCK_MONOTONIC, ns. */
  readonly drainedAt: number;
  /** `lost`, `dropped` and `malformed` when this subscription began, so that a reader can tell its own losses. */
  readonly baseline: Pick<EventBatch, "lost" | "dropped" | "malformed">;
}
