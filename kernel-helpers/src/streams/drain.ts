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
  readonly #dictionaries: string[][];
  readonly #listeners = new Set<(batch: SharedBatch) => void>();
  #closed = false;

  constructor(description: RingDescription, plan: RecordPlan, bufferBytes: number) {
    this.#plan = plan;
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
    return native.drain_totals(this.#ring);
  }

  /** Hands every batch to the listener from now on; returns a function that ends it. */
  listen(listener: (batch: SharedBatch) => void): () => void {
    if (this.#listeners.size === 0) native.drain_subscribe(drainer!, this.#ring, true);
    else this.deliver(); // what waits belongs to those who listened before
    this.#listeners.add(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0 || this.#closed) return;
      native.drain_subscribe(drainer!, this.#ring, false);
    };
  }

  /** Takes what the ring holds now and hands it on, one batch a chunk of memory. */
  deliver(): void {
    if (this.#closed || this.#listeners.size === 0) return;
    const { chunks, labels, totals } = native.drain_take(this.#ring);
    // One by one: a hundred thousand arguments of one push() overflow the stack.
    labels.forEach((added, column) => added?.forEach((label) => this.#dictionaries[column]!.push(label)));
    const { lost, dropped, inexact } = totals;
    const drainedAt = native.clock_monotonic();
    for (const { rows, buffer, offsets } of chunks) {
      const columns = this.#plan.columns.map(({ name, make }, i) => [name, make(buffer, offsets[i]!, rows, this.#dictionaries[i]!)] as const);
      const table = makeTable(Object.fromEntries(columns) as Record<string, never>) as EventTable<Record<string, any>>;
      for (const listener of [...this.#listeners]) listener({ table, rows, lost, dropped, inexact, drainedAt });
    }
  }

  /** Delivers what is left and lets the ring go. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.deliver();
    this.#closed = true;
    this.#listeners.clear();
    rings.delete(this);
    native.drain_remove(drainer!, this.#ring);
    if (rings.size > 0) return;
    native.drain_stop(drainer!);
    drainer = undefined;
  }
}
