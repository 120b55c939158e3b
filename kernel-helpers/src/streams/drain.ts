import { table as makeTable } from "arquero";
import type { RingDescription } from "../bpf/object.js";
import { native, type DrainerHandle, type RingHandle, type RingTotals } from "../bpf/native.js";
import type { EventBatch } from "./batch.js";
import type { EventTable } from "./table.js";
import type { RecordPlan } from "./plan.js";

/** A batch as every listener gets it; the baseline is each listener's own. */
export type SharedBatch = Omit<EventBatch, "baseline">;

// One drain thread serves all rings of the process; it starts with the first ring and goes with the last.
let drainer: DrainerHandle | undefined;
const rings = new Set<RingReader>();

const nothing: RingTotals = { delivered: 0, lost: 0, dropped: 0, unread: 0, inexact: 0 };

const missing = ({ lost, dropped }: RingTotals) => lost + dropped;

/** Delivers what all rings hold now, without waiting for the drain thread. */
export function flushRings(): void {
  for (const ring of [...rings]) ring.deliver();
}

/**
 * Reads one ring buffer for any number of listeners. While nobody listens the ring is still
 * drained, so that it never fills up with what nobody wants; those records count as unread.
 */
export class RingReader {
  readonly #plan: RecordPlan;
  readonly #ring: RingHandle;
  readonly #before: RingTotals;
  readonly #dictionaries: string[][];
  /** Each with the batches that it has yet to get. */
  readonly #listeners = new Map<(batch: SharedBatch) => void, SharedBatch[]>();
  /** Taken from the ring, and not with any listener yet. */
  readonly #waiting = new Set<SharedBatch>();
  /** Rows that were taken for listeners who left before they got them. */
  #left = 0;
  /** What the listeners know of losses. */
  #told = 0;
  #final: RingTotals | undefined;

  /** @param before the account of the reader that had the ring until now */
  constructor(description: RingDescription, plan: RecordPlan, bufferBytes: number, before: RingTotals = nothing) {
    this.#plan = plan;
    this.#before = before;
    this.#dictionaries = plan.columns.map(() => []);
    drainer ??= native.drain_start(flushRings);
    const loss = description.loss && { loss: description.loss.map, lossOffset: description.loss.offset };
    this.#ring = native.drain_add(drainer, description.map.handle, plan.native, { bufferBytes, ...loss });
    rings.add(this);
  }

  /** True while nobody listens. */
  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  get totals(): RingTotals {
    return this.#account(this.#final ?? native.drain_totals(this.#ring));
  }

  /** With what the readers before counted, and what went to nobody after all. The program counts lost for all of them. */
  #account({ delivered, lost, dropped, unread, inexact }: RingTotals): RingTotals {
    const before = this.#before;
    return {
      delivered: delivered + before.delivered - this.#left,
      lost,
      dropped: dropped + before.dropped,
      unread: unread + before.unread + this.#left,
      inexact: inexact + before.inexact,
    };
  }

  /** Hands every batch to the listener from now on; returns a function that ends it. */
  listen(listener: (batch: SharedBatch) => void): () => void {
    if (this.idle) {
      native.drain_subscribe(drainer!, this.#ring, true);
      this.#told = missing(this.totals);
    } else this.deliver(); // what waits belongs to those who listened before
    this.#listeners.set(listener, []);
    return () => this.#forget(listener);
  }

  #forget(listener: (batch: SharedBatch) => void): void {
    if (!this.#listeners.delete(listener) || !this.idle) return;
    for (const { rows } of this.#waiting) this.#left += rows;
    this.#waiting.clear();
    if (!this.#final) native.drain_subscribe(drainer!, this.#ring, false);
  }

  /** Takes what the ring holds now and hands it on, one batch a chunk of memory. */
  deliver(): void {
    if (this.#final || this.idle) return;
    for (const batch of this.#take()) {
      this.#waiting.add(batch);
      for (const queue of this.#listeners.values()) queue.push(batch);
    }
    // A listener may come back here, by subscribing, collecting or closing. The queues keep the order for each.
    for (const [listener, queue] of [...this.#listeners]) {
      for (let batch; this.#listeners.has(listener) && (batch = queue.shift()); ) {
        this.#waiting.delete(batch);
        listener(batch);
      }
    }
  }

  #take(): SharedBatch[] {
    const { chunks, labels, totals } = native.drain_take(this.#ring);
    // One by one: a hundred thousand arguments of one push() overflow the stack.
    labels.forEach((added, column) => added?.forEach((label) => this.#dictionaries[column]!.push(label)));
    const account = this.#account(totals);
    // Losses are news too, when nothing came through.
    if (chunks.length === 0 && missing(account) > this.#told) chunks.push({ rows: 0, buffer: new ArrayBuffer(0), offsets: labels.map(() => 0) });
    this.#told = missing(account);
    const { lost, dropped, inexact } = account;
    const drainedAt = native.clock_monotonic();
    return chunks.map(({ rows, buffer, offsets }) => {
      const columns = this.#plan.columns.map(({ name, make }, i) => [name, make(buffer, offsets[i]!, rows, this.#dictionaries[i]!)] as const);
      const table = makeTable(Object.fromEntries(columns) as Record<string, never>) as EventTable<Record<string, any>>;
      return { table, rows, lost, dropped, inexact, drainedAt };
    });
  }

  /** Delivers what is left and lets the ring go. Idempotent. */
  close(): void {
    this.deliver();
    if (this.#final) return; // also when a listener has closed it just now
    this.#final = native.drain_remove(drainer!, this.#ring);
    this.#listeners.clear();
    rings.delete(this);
    if (rings.size > 0) return;
    native.drain_stop(drainer!);
    drainer = undefined;
  }
}
