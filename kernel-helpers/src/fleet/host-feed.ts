import { timeOfDay } from "./moments.js";
import type { Seen } from "./account.js";
import type { HostClock } from "./host-clock.js";
import type { Announcement, FeedHeader, FeedTotals } from "./protocol.js";

/** What comes later than that is said to be late. */
const LATE_SECONDS = 2;

/** A clock that is off by more is said to be. */
const WRONG_MS = 1000;

const nothing = { lost: 0, dropped: 0, malformed: 0, inexact: 0 };

/** A host's end of a ring, as the notebook sees it: what came of its messages, and what did not. */
export class HostFeed implements Seen {
  readonly host: string;
  readonly machine: Announcement | undefined;
  delivered = 0;
  lostInTransport = 0;
  unread = 0;
  next = 0;
  /** Its losses since the feed began, and before anything was told. */
  header: Pick<FeedHeader, "lost" | "dropped" | "malformed" | "malformedBecause" | "inexact"> = nothing;
  /** True when a message of this feed has come. */
  isHeard = false;
  /** How late a message of this feed came at the most. */
  late_s = 0;
  /** What its agent said last of a feed that it ended itself. */
  final: NonNullable<FeedHeader["final"]> | undefined;
  /** Rows lost on the way in the feed that runs. */
  #gap = 0;
  #heardAt = 0;
  #silent: { since: number; because: string } | undefined;

  constructor(host: string, machine: Announcement | undefined) {
    this.host = host;
    this.machine = machine;
  }

  /** A new feed. */
  begin(): void {
    this.next = 0;
    this.header = nothing;
    this.isHeard = false;
    this.late_s = 0;
    this.final = undefined;
    this.#gap = 0;
    this.#silent = undefined;
  }

  /** The feed has ended, at the agent where this stood; what it had sent and did not come is unread. */
  end(totals = this.final?.totals): void {
    if (totals) this.unread += Math.max(0, totals.sent - this.next);
    this.next = 0;
    if (this.final) this.final = { ...this.final, totals: { ...this.final.totals, sent: 0 } };
  }

  /** Takes note of a message; false for one that came before. */
  take(header: FeedHeader, clock: HostClock | undefined, now_ns: number): boolean {
    if (header.first < this.next) return false;
    const gap = header.first - this.next;
    this.isHeard = true;
    this.#heardAt = Date.now();
    this.#gap += gap;
    if (!header.final?.isOfWitness) this.lostInTransport += gap;
    this.next = header.first + header.rows;
    this.delivered += header.rows;
    this.header = header;
    if (clock) this.late_s = Math.max(this.late_s, (now_ns - (header.sent_ns + clock.offset_ns)) / 1e9);
    if (header.final) this.#finish(header.final);
    return true;
  }

  /** True when all has come, or is known to be lost, that the agent had sent when its account was this: the rows, and the last word on what was dropped. */
  hasAll({ sent, told = 0 }: FeedTotals): boolean {
    return this.next >= sent && this.header.dropped >= told;
  }

  #finish(final: NonNullable<FeedHeader["final"]>): void {
    this.#silent = undefined;
    // A witness knows what the agent read, and not what of it came here.
    const { delivered } = final.totals.ring;
    const overflow = final.isOfWitness
      ? delivered - this.delivered - this.lostInTransport - this.unread
      : final.totals.overflow;
    this.final = { ...final, totals: { ...final.totals, overflow } };
  }

  /** Nobody knows what it lost while it does not answer. Returns whether that is news. */
  silence(because: string | undefined): boolean {
    const was = this.#silent;
    if (because === undefined) this.#silent = undefined;
    else if (!this.final) this.#silent ??= { since: this.#heardAt || Date.now(), because };
    return (was === undefined) !== (this.#silent === undefined);
  }

  get missing(): { lost: number | undefined; dropped: number } {
    return { lost: this.#silent ? undefined : this.header.lost, dropped: this.header.dropped + this.#gap };
  }

  /** Why it is not known what it lost. */
  get silenceNote(): string | undefined {
    if (!this.#silent) return undefined;
    return `What ${this.host} lost since ${timeOfDay(this.#silent.since)} is unknown: ${this.#silent.because}`;
  }

  /** What a reader must know beside the losses. */
  notes(clock: HostClock | undefined, stood_s: number): string[] {
    const ahead = clock?.ahead_ms ?? 0;
    const [seconds, error] = [(Math.abs(ahead) / 1000).toFixed(1), ((clock?.error_ns ?? 0) / 1e6).toFixed(1)];
    return [
      this.final ? `${this.host} sends no more: ${this.final.because}.` : "",
      this.late_s > LATE_SECONDS && this.late_s > stood_s + LATE_SECONDS
        ? `The events of ${this.host} came up to ${this.late_s.toFixed(0)} s late.`
        : "",
      Math.abs(ahead) > WRONG_MS
        ? `The clock of ${this.host} is ${seconds} s ${ahead > 0 ? "ahead" : "behind"}; its times are aligned to this machine's, to ${error} ms.`
        : "",
    ].filter(Boolean);
  }
}
