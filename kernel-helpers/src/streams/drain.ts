import { table as makeTable } from "arquero";
import type { RingDescription } from "../bpf/object.js";
import { native, type Columns, type DrainerHandle, type RingHandle, type RingTotals } from "../base/native.js";
import type { EventBatch } from "./batch.js";
import type { EventTable } from "./table.js";
import { columnsOf, type RecordPlan } from "./plan.js";

/** A batch as every listener gets it; the baseline is each listener's own. */
export type SharedBatch = Omit<EventBatch, "baseline" | "source">;

// One drain thread serves all rings of the process; it starts with the first ring and goes with the last.
let drainer: DrainerHandle | undefined;
const rings = new Set<RingReader>();

/** What waits in the addon for a listener who gathers, and what was lost so far. */
export type Waiting = Pick<SharedBatch, "rows" | "lost" | "dropped" | "malformed" | "malformedBecause">;

const nothing: RingTotals = {
  delivered: 0,
  waiting: 0,
  dropped: 0,
  unread: 0,
  malformed: 0,
  malformedLength: 0,
  inexact: 0,
};

const missing = ({ lost = 0, dropped, malformed }: RingTotals) => lost + dropped + malformed;

/** Delivers what all rings hold now, without waiting for the drain thread. What is being gathered stays where it is. */
export function flushRings(): void {
  for (const ring of [...rings]) ring.news();
}

/** The same, and a batch without rows for listeners that have had none yet: it tells them which columns there are. */
export function settleRings(): void {
  flushRings();
  for (const ring of [...rings]) ring.introduce();
}

interface Listener {
  /** The batches that it has yet to get. */
  queue: SharedBatch[];
  /** True until it has had one. */
  isNew: boolean;
  /** Set for one who wants all in one piece at the end, and only news until then. */
  onWaiting: ((waiting: Waiting) => void) | undefined;
}

/**
 * Reads one ring buffer or perf event array for any number of listeners. While nobody listens the ring is still
 * drained, so that it never fills up with what nobody wants; those records count as unread.
 */
export class RingReader {
  readonly #plan: RecordPlan;
  readonly #ring: RingHandle;
  readonly #before: RingTotals;
  readonly #dictionaries: string[][];
  readonly #listeners = new Map<(batch: SharedBatch) => void, Listener>();
  #subscription: 0 | 1 | 2 = 0;
  /** Taken from the ring, and not with any listener yet. */
  readonly #waiting = new Set<SharedBatch>();
  /** Rows that were taken for listeners who left before they got them, or did not want them. */
  #left = 0;
  /** What the listeners know of losses. */
  #told = 0;
  #final: RingTotals | undefined;

  /** @param before the account of the reader that had the ring until now */
  constructor(
    description: RingDescription,
    plan: RecordPlan,
    { bufferBytes, cpuBytes }: { bufferBytes: number; cpuBytes: number },
    before: RingTotals = nothing,
  ) {
    this.#plan = plan;
    this.#before = before;
    this.#dictionaries = plan.columns.map(() => []);
    drainer ??= native.drain_start(flushRings);
    const loss = description.loss && { loss: description.loss.map, lossOffsets: description.loss.offsets };
    try {
      this.#ring = native.drain_add(drainer, description.map.handle, plan.native, {
        bufferBytes,
        cpuBytes,
        ...loss,
      });
    } catch (error) {
      stopUnused();
      throw error;
    }
    rings.add(this);
  }

  /** True while nobody listens. */
  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  get totals(): RingTotals {
    return this.#account(this.#final ?? native.drain_totals(this.#ring));
  }

  /** The totals, with all that the ring holds at this moment: what is too little for a wake-up may lie there for a while. */
  totalsNow(): RingTotals {
    return this.#account(this.#final ?? native.drain_totals(this.#ring, true));
  }

  /** With what the readers before counted, and what went to nobody after all. The program counts lost for all of them. */
  #account(totals: RingTotals): RingTotals {
    const before = this.#before;
    return {
      ...totals,
      delivered: totals.delivered + before.delivered - this.#left,
      dropped: totals.dropped + before.dropped,
      unread: totals.unread + before.unread + this.#left,
      malformed: totals.malformed + before.malformed,
      malformedLength: totals.malformed > 0 ? totals.malformedLength : before.malformedLength,
      inexact: totals.inexact + before.inexact,
      // A perf event array's counters begin again with each reader.
      ...(totals.lostByCpu ? lossOfCpus(totals.lostByCpu, before.lostByCpu) : {}),
    };
  }

  /**
   * Hands every batch to the listener from now on; returns a function that ends it.
   *
   * @param onWaiting given by a listener who gathers: while it is the only one, the rows stay in the addon, in one
   *   piece that is never copied, until it calls `deliver`, somebody else listens, or the ring closes
   */
  listen(listener: (batch: SharedBatch) => void, onWaiting?: (waiting: Waiting) => void): () => void {
    const first = this.idle;
    if (!first) this.deliver(); // what waits belongs to those who listened before
    this.#listeners.set(listener, { queue: [], isNew: true, onWaiting });
    this.#subscribe();
    if (first) this.#told = missing(this.totals);
    return () => this.#forget(listener);
  }

  /** Counts rows as unread that the only listener got and did not want. */
  giveBack(rows: number): void {
    if (this.#listeners.size === 1) this.#left += rows;
  }

  #subscribe(): void {
    const listeners = [...this.#listeners.values()];
    const how = listeners.length === 0 ? 0 : listeners.length === 1 && listeners[0]!.onWaiting ? 2 : 1;
    if (how === this.#subscription || this.#final) return;
    this.#subscription = how;
    native.drain_subscribe(drainer!, this.#ring, how);
  }

  #forget(listener: (batch: SharedBatch) => void): void {
    if (!this.#listeners.delete(listener)) return;
    this.#subscribe();
    if (!this.idle) return;
    for (const { rows } of this.#waiting) this.#left += rows;
    this.#waiting.clear();
  }

  /** Called when rows wait: hands them on, or tells the one who gathers. */
  news(): void {
    if (this.#subscription !== 2) return this.deliver();
    const totals = this.totals;
    for (const { onWaiting } of [...this.#listeners.values()])
      onWaiting?.({ rows: totals.waiting, ...this.#missing(totals) });
  }

  /** Takes what the ring holds now and hands it on, one batch a chunk of memory. */
  deliver(): void {
    if (this.#final || this.idle) return;
    for (const batch of this.#take()) {
      this.#waiting.add(batch);
      for (const { queue } of this.#listeners.values()) queue.push(batch);
    }
    // A listener may come back here, by subscribing, collecting or closing. The queues keep the order for each.
    for (const [listener, { queue }] of [...this.#listeners]) {
      for (let batch; this.#listeners.has(listener) && (batch = queue.shift());) {
        this.#waiting.delete(batch);
        this.#listeners.get(listener)!.isNew = false;
        listener(batch);
      }
    }
  }

  /** Hands a batch without rows to listeners that have had none. */
  introduce(): void {
    if (this.#final) return;
    for (const [listener, state] of [...this.#listeners]) {
      if (!state.isNew || !this.#listeners.has(listener)) continue;
      state.isNew = false;
      listener(this.#batch(this.#noRows(), this.totals));
    }
  }

  #noRows(): Columns {
    return {
      rows: 0,
      buffers: this.#plan.columns.map(() => new ArrayBuffer(0)),
      offsets: this.#plan.columns.map(() => 0),
    };
  }

  #missing({ lost, dropped, malformed, malformedLength }: RingTotals): Omit<Waiting, "rows"> {
    const because = `${this.#plan.lengths}, the last of these has ${malformedLength}`;
    return { lost, dropped, malformed, ...(malformed > 0 ? { malformedBecause: because } : {}) };
  }

  #batch(columns: Columns, totals: RingTotals): SharedBatch {
    const table = makeTable(
      columnsOf(this.#plan, columns, this.#dictionaries) as unknown as Record<string, never>,
    ) as EventTable<Record<string, any>>;
    return {
      table,
      rows: columns.rows,
      ...this.#missing(totals),
      inexact: totals.inexact,
      drainedAt: native.clock_monotonic(),
    };
  }

  #take(): SharedBatch[] {
    const { chunks, labels, totals } = native.drain_take(this.#ring);
    // One by one: a hundred thousand arguments of one push() overflow the stack.
    labels.forEach((added, column) => added?.forEach((label) => this.#dictionaries[column]!.push(label)));
    const account = this.#account(totals);
    // Losses are news too, when nothing came through.
    if (chunks.length === 0 && missing(account) > this.#told) chunks.push(this.#noRows());
    this.#told = missing(account);
    return chunks.map((chunk) => this.#batch(chunk, account));
  }

  /** Delivers what is left and lets the ring go. Idempotent. */
  close(): void {
    this.deliver();
    if (this.#final) return; // also when a listener has closed it just now
    this.#final = native.drain_remove(drainer!, this.#ring);
    this.#listeners.clear();
    rings.delete(this);
    stopUnused();
  }
}

function stopUnused(): void {
  if (rings.size > 0 || !drainer) return;
  native.drain_stop(drainer);
  drainer = undefined;
}

function lossOfCpus(now: readonly number[], before: readonly number[] = []): Pick<RingTotals, "lost" | "lostByCpu"> {
  const lostByCpu = now.map((lost, cpu) => lost + (before[cpu] ?? 0));
  return { lost: lostByCpu.reduce((sum, lost) => sum + lost, 0), lostByCpu };
}
