import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import { type ColumnTable, table as makeTable } from "arquero";
import { Observable, type Subscriber } from "rxjs";
import { native } from "../base/native.js";
import { BpflabError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import type { EventBatch } from "../streams/batch.js";
import { type Capture, markCapture, sumMissing } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { markRemote } from "../streams/remote.js";
import { type Account, accountOf } from "./account.js";
import { alignTimes } from "./host-clock.js";
import type { Hosts } from "./hosts.js";
import { withHost } from "./host-column.js";
import { HostFeed } from "./host-feed.js";
import { type Outcome, throwIfNone } from "./outcomes.js";
import { unpackMessage } from "./payload.js";
import { type Announcement, type FeedTotals, hostOf, STREAM_NAME, subjects } from "./protocol.js";

/** What the columns of a fleet's events hold. */
export interface FleetEventsOptions {
  /**
   * Columns that hold CLOCK_MONOTONIC, ns, beside those called `time_ns`, `start_ns`, `end_ns`, `since_ns` and
   * `timestamp_ns`: they are aligned to this machine's clock.
   */
  times?: readonly string[];
}

/** How long `settle` waits for what is on the way. */
const SETTLE_MS = 20_000;

/** How long an agent's witness may take to speak, when the agent is gone. */
const LAST_WORD_MS = 10_000;

/** What runs while somebody subscribes. */
interface RunningFeed {
  id: string;
  begun: Promise<void>;
  messages?: ConsumerMessages;
  /** True once the hosts' counts are those of this feed. */
  isOn: boolean;
  ended: boolean;
}

const nothing = { lost: 0, dropped: 0, malformed: 0, inexact: 0 };

/** A ring of a program on several hosts. All who subscribe share one feed, which runs while there are any. */
export class FleetRing {
  readonly #fleet: Hosts;
  readonly #program: string;
  readonly #ring: string;
  readonly #hosts: ReadonlyMap<string, HostFeed>;
  readonly #names: readonly string[];
  readonly #subscribers = new Set<(table: ColumnTable, host?: HostFeed) => void>();
  readonly #completes = new Set<Subscriber<EventBatch>>();
  #feed: RunningFeed | undefined;
  /** When the last feed began, ms since 1970. */
  #begunAt = Date.now();
  /** A table without rows, which has the columns. */
  #empty: ColumnTable = makeTable({});
  #ending: Promise<void> = Promise.resolve();
  #done = false;

  constructor(fleet: Hosts, program: string, ring: string, machines: ReadonlyMap<string, Announcement | undefined>) {
    this.#fleet = fleet;
    this.#program = program;
    this.#ring = ring;
    this.#names = [...machines.keys()];
    this.#hosts = new Map([...machines].map(([host, machine]) => [host, new HostFeed(host, machine)]));
  }

  get #source(): string {
    return `${this.#program}.${this.#ring}`;
  }

  get #all(): HostFeed[] {
    return [...this.#hosts.values()];
  }

  events({ times }: FleetEventsOptions = {}): Observable<EventBatch> {
    const stream = new Observable<EventBatch>((subscriber) => {
      if (this.#done) return subscriber.complete();
      const baseline = this.#feed?.isOn ? this.#totals() : nothing;
      const now = Date.now();
      const account = { source: this.#source, rows: 0, lost: 0, dropped: 0, startedAt: now, endedAt: now };
      let rows = 0;
      const next = (plain: ColumnTable, host?: HostFeed) => {
        const totals = this.#totals();
        const offset = (host && this.#fleet.clocks.of(host.host)?.offset_ns) ?? 0;
        rows += plain.numRows();
        const capture: Capture = {
          ...account,
          ...this.#provenance(),
          rows,
          lost: totals.lost === undefined ? undefined : totals.lost - (baseline.lost ?? 0),
          dropped: totals.dropped - baseline.dropped,
          endedAt: Date.now(),
        };
        subscriber.next({
          table: markCapture(alignTimes(plain, offset, times), capture) as EventBatch["table"],
          source: this.#source,
          rows: plain.numRows(),
          ...totals,
          drainedAt: native.clock_monotonic(),
          baseline,
        });
      };
      this.#subscribers.add(next);
      this.#completes.add(subscriber);
      this.#begin().catch((error: unknown) => subscriber.error(error));
      return () => {
        this.#subscribers.delete(next);
        this.#completes.delete(subscriber);
        if (this.#subscribers.size === 0) this.#end();
      };
    });
    return markRemote(stream, {
      ready: () => this.#begin(),
      settle: () => this.#settle(),
      provenance: () => this.#provenance(),
    });
  }

  /** Ends all subscriptions. */
  complete(): void {
    this.#done = true;
    for (const subscriber of [...this.#completes]) subscriber.complete();
  }

  #begin(): Promise<void> {
    if (this.#feed) return this.#feed.begun;
    const id = randomBytes(8).toString("hex");
    const feed: RunningFeed = { id, begun: Promise.resolve(), isOn: false, ended: false };
    this.#feed = feed;
    this.#begunAt = Date.now();
    feed.begun = this.#ending.then(() => this.#start(feed));
    feed.begun.catch(() => {
      if (this.#feed === feed) this.#feed = undefined;
    });
    return feed.begun;
  }

  async #start(feed: RunningFeed): Promise<void> {
    for (const host of this.#all) host.begin();
    feed.isOn = true;
    await this.#fleet.clocks.measure(this.#names);
    const consumer = await this.#fleet.stream.consumers.get(STREAM_NAME, {
      filter_subjects: subjects.events("*", this.#program, this.#ring, feed.id),
      deliver_policy: DeliverPolicy.All,
    });
    feed.messages = await consumer.consume({
      callback: (message) => this.#take(message),
      expires: 10_000,
      idle_heartbeat: 1000, // two that are missed, and a server that was started again is asked again
    });
    const ask = { do: "start", program: this.#program, ring: this.#ring, feed: feed.id } as const;
    const outcomes = await this.#fleet.command<FeedTotals>(this.#names, ask);
    // The first message of each has no rows; it proves the way.
    const isDeaf = (one: Outcome<FeedTotals>) => "value" in one && !this.#hosts.get(one.host)!.isHeard;
    for (const end = Date.now() + SETTLE_MS; outcomes.some(isDeaf) && Date.now() < end && !feed.ended; await delay(5));
    this.#markSilent(outcomes);
    throwIfNone(outcomes);
    const deaf = outcomes.filter(isDeaf).map(({ host }) => host);
    if (deaf.length > 0 && !feed.ended)
      throw new BpflabError("FLEET", `The events of ${listNames(deaf)} do not come through the server.`, {
        hint: "Check that it has JetStream, and lets these agents publish events.",
      });
  }

  #markSilent(outcomes: readonly Outcome<FeedTotals>[]): void {
    const news = outcomes.map((one) =>
      this.#hosts.get(one.host)!.silence("error" in one ? one.error.message : undefined),
    );
    if (news.includes(true)) this.#deliver(this.#empty); // what is lost is known no longer, or again
  }

  /** @internal tells those who read that some hosts are not heard any more */
  notHeard(hosts: readonly string[]): void {
    if (!this.#feed) return;
    const outcomes = hosts.filter((host) => this.#hosts.has(host)).map((host) => silentOutcome(host));
    if (outcomes.length > 0) this.#markSilent(outcomes);
  }

  /** Its rows end with the feed: what was sent and has not come by then is unread. */
  #end(): void {
    const feed = this.#feed;
    if (!feed) return;
    this.#feed = undefined;
    this.#ending = feed.begun
      .then(async () => {
        feed.ended = true;
        await feed.messages?.close();
        if (this.#fleet.closed || this.#done) return;
        const ask = { do: "stop", program: this.#program, ring: this.#ring, feed: feed.id } as const;
        for (const one of await this.#fleet.command<FeedTotals>(this.#names, ask)) {
          const host = this.#hosts.get(one.host)!;
          host.end("value" in one ? one.value : undefined);
        }
      })
      .catch(() => {});
  }

  #take(message: JsMsg): void {
    const host = this.#hosts.get(hostOf(message.subject));
    if (!host || this.#feed === undefined || !message.subject.endsWith(`.${this.#feed.id}`)) return;
    const unpacked = unpackMessage(message);
    if (!unpacked) return; // as good as lost: the next header tells how many rows these were
    const { header, table } = unpacked;
    if (!host.take(header, this.#fleet.clocks.of(host.host), native.clock_monotonic())) return;
    const whole = withHost(table, this.#names, host.host);
    if (whole.numRows() > 0) return this.#deliver(whole, host);
    if (table.numCols() > 0) this.#empty = whole; // a last word has no columns
    this.#deliver(this.#empty, host);
  }

  #deliver(table: ColumnTable, host?: HostFeed): void {
    for (const next of [...this.#subscribers]) next(table, host);
  }

  /** The losses of all hosts since the feed began. */
  #totals(): Pick<EventBatch, "lost" | "dropped" | "malformed" | "malformedBecause" | "inexact"> {
    const { lost, dropped } = sumMissing(this.#all.map(({ missing }) => missing));
    const sum = (of: (header: HostFeed["header"]) => number) =>
      this.#all.reduce((total, { header }) => total + of(header), 0);
    const because = this.#all.find(({ header }) => header.malformedBecause)?.header.malformedBecause;
    return {
      lost,
      dropped,
      malformed: sum(({ malformed }) => malformed),
      ...(because === undefined ? {} : { malformedBecause: because }),
      inexact: sum(({ inexact }) => inexact),
    };
  }

  /** Where the rows come from; their times are those of this machine's clock. */
  #provenance(): Partial<Capture> {
    const machines = this.#all.flatMap(({ machine }) => machine ?? []);
    const { bootId, clockOffset_ms } = provenance();
    const stood = this.#fleet.stoodStill(this.#begunAt);
    const silent = this.#all.flatMap(({ silenceNote }) => silenceNote ?? []);
    const notes = [
      ...(stood ? [stood.note] : []),
      ...this.#all.flatMap((host) => host.notes(this.#fleet.clocks.of(host.host), stood?.seconds ?? 0)),
    ];
    return {
      host: this.#names.join(" and "),
      droppedAs: "dropped at an agent's memory bound or lost on the way here",
      kernel: [...new Set(machines.map(({ kernel }) => kernel))].join(" and ") || "unknown",
      bootId,
      clockOffset_ms,
      ...(silent.length > 0 ? { lostUnknown: silent.join(" ") } : {}),
      ...(notes.length > 0 ? { notes } : {}),
    };
  }

  /** Waits until what the hosts had sent when they were asked has come. A host that does not answer has unknown losses. */
  async #settle(): Promise<void> {
    const feed = this.#feed;
    if (!feed) return;
    try {
      const end = Date.now() + SETTLE_MS;
      const outcomes = await this.#askPatiently();
      this.#markSilent(outcomes);
      const isMissing = (one: Outcome<FeedTotals>) =>
        "value" in one && !feed.ended && !this.#hosts.get(one.host)!.hasAll(one.value);
      while (outcomes.some(isMissing) && Date.now() < end) await delay(5);
      for (const one of outcomes.filter(isMissing))
        this.#hosts.get(one.host)!.silence(`its last events did not come within ${SETTLE_MS / 1000} s.`);
    } catch (error) {
      for (const host of this.#all) host.silence((error as Error).message);
    }
    this.#deliver(this.#empty);
  }

  /** As `#ask`; waits for hosts that are cut off, and for what the witness of an agent that is gone has to say. */
  async #askPatiently(): Promise<Outcome<FeedTotals>[]> {
    const begun = Date.now();
    for (;;) {
      const outcomes = await this.#ask();
      const isDue = (one: Outcome<FeedTotals>) =>
        "error" in one && Date.now() - begun < (isCutOff(one) ? SETTLE_MS : LAST_WORD_MS);
      if (!outcomes.some(isDue)) return outcomes;
      await delay(100);
    }
  }

  /** Where each host stands; of one whose agent ended the feed by itself, what that said last. */
  async #ask(): Promise<Outcome<FeedTotals>[]> {
    const ask = { do: "totals", program: this.#program, ring: this.#ring } as const;
    const outcomes = await this.#fleet.command<FeedTotals>(this.#names, ask);
    return outcomes.map((one) => {
      const final = this.#hosts.get(one.host)!.final;
      return "error" in one && final ? { host: one.host, value: final.totals } : one;
    });
  }

  /** Each host's account from both ends. */
  async accounts(): Promise<Account[]> {
    await this.#ending;
    return (await (this.#feed ? this.#askPatiently() : this.#ask())).map((one) =>
      accountOf(this.#hosts.get(one.host)!, "value" in one ? one.value : undefined),
    );
  }
}

/** True when the server knows the agent, and the agent does not answer: its network may be cut for a while. */
const isCutOff = (one: Outcome<unknown>) => "error" in one && one.error.cause instanceof TimeoutError;

const silentOutcome = (host: string): Outcome<FeedTotals> => ({
  host,
  error: new BpflabError("FLEET", "its agent is not heard any more."),
});
