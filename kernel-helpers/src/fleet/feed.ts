import type { ColumnTable } from "arquero";
import type { Observable, Subscription } from "rxjs";
import type { RingJournal } from "../base/native.js";
import type { EventBatch } from "../streams/batch.js";
import { settleRings } from "../streams/drain.js";
import type { ClockReading } from "./host-clock.js";
import type { Outbox } from "./outbox.js";
import type { FeedHeader, FeedTotals } from "./protocol.js";
import type { Baseline } from "./witness.js";

/** Where a feed's events come from: what an agent runs. */
interface Source {
  journal(ring: string): RingJournal | undefined;
  events(ring: string): Observable<EventBatch>;
  ringTotals(ring: string): FeedTotals["ring"];
}

/** An agent's end of a ring that a notebook reads: what comes from the kernel goes into the outbox. */
export class Feed {
  readonly id: string;
  readonly #run: Source;
  readonly #ring: string;
  readonly #subject: string;
  readonly #outbox: Outbox;
  readonly #clock: () => ClockReading;
  readonly #begun: (baseline: Baseline) => void;
  readonly #keptBefore: number;
  readonly #subscription: Subscription;
  #sent = 0;
  #overflow = 0;
  #told = 0;
  /** The last header, and a table without rows. */
  #last: { header: FeedHeader; empty: ColumnTable } | undefined;

  /** @param begun is told how the ring stood when it began */
  constructor(
    run: Source,
    ring: string,
    id: string,
    { subject, outbox, clock }: { subject: string; outbox: Outbox; clock: () => ClockReading },
    begun: (baseline: Baseline) => void,
  ) {
    this.id = id;
    this.#run = run;
    this.#ring = ring;
    this.#subject = subject;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#begun = begun;
    this.#keptBefore = run.journal(ring)?.kept ?? 0;
    this.#subscription = run.events(ring).subscribe((batch) => this.#take(batch));
    settleRings(); // a first batch without rows tells the notebook the columns, and that messages come through
  }

  #take({ table, rows, lost, dropped, malformed, malformedBecause, inexact, baseline }: EventBatch): void {
    const { bootId: boot, monotonic_ns: sent_ns, wall_ms } = this.#clock();
    const header: FeedHeader = {
      first: this.#sent,
      rows,
      lost: lost === undefined ? undefined : lost - (baseline.lost ?? 0),
      dropped: dropped - baseline.dropped + this.#overflow,
      malformed: malformed - baseline.malformed,
      ...(malformedBecause === undefined ? {} : { malformedBecause }),
      inexact,
      boot,
      sent_ns,
      wall_ms,
    };
    const empty = this.#last?.empty ?? table.slice(0, 0).reify();
    if (!this.#last) {
      const { lost: lostBefore, dropped: droppedBefore, malformed: malformedBefore } = baseline;
      const counts = { lost: lostBefore, dropped: droppedBefore, malformed: malformedBefore };
      this.#begun({ kept: this.#keptBefore, ...counts });
    }
    if (this.#outbox.push({ subject: this.#subject, table, header })) {
      this.#sent += rows;
      this.#told = header.dropped;
      this.#last = { header: { ...header, first: this.#sent, rows: 0 }, empty };
      return;
    }
    this.#overflow += rows;
    const told = { ...header, rows: 0, dropped: header.dropped + rows };
    this.#last = { header: told, empty };
    if (this.#outbox.push({ subject: this.#subject, table: empty, header: told })) this.#told = told.dropped;
  }

  /** Where it stands, with all that the ring holds at this moment. */
  totals(): FeedTotals {
    settleRings();
    return { ring: this.#run.ringTotals(this.#ring), sent: this.#sent, overflow: this.#overflow, told: this.#told };
  }

  /** Ends it; what waits is not sent any more. */
  stop(): FeedTotals {
    const totals = this.totals();
    this.#subscription.unsubscribe();
    this.#outbox.withdraw(this.#subject);
    return totals;
  }

  /** Ends it by the agent's own will, and tells why and how it stood; what waits is sent all the same. */
  finish(because: string): void {
    const totals = this.totals();
    this.#subscription.unsubscribe();
    if (!this.#last) return;
    const { header, empty } = this.#last;
    const { monotonic_ns: sent_ns, wall_ms } = this.#clock();
    const last = { ...header, sent_ns, wall_ms, final: { because, totals } };
    this.#outbox.push({ subject: this.#subject, table: empty, header: last });
  }
}
