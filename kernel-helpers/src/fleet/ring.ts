import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { type ColumnTable, table as makeTable } from "arquero";
import { Observable, type Subscriber } from "rxjs";
import { native } from "../base/native.js";
import { BpflabError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import type { EventBatch } from "../streams/batch.js";
import { type Capture, markCapture, sumMissing } from "../streams/capture.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import { markRemote } from "../streams/remote.js";
import { type Account, accountOf, type Seen } from "./account.js";
import type { Fleet, Outcome } from "./fleet.js";
import { headerName } from "./outbox.js";
import { unpackTable } from "./payload.js";
import {
  type Announcement,
  type FeedHeader,
  type FeedTotals,
  feedHeaderFrom,
  hostOf,
  streamName,
  subjects,
} from "./protocol.js";

/** How long `settle` waits for what is on the way. */
const settleMs = 10_000;

interface HostFeed extends Seen {
  machine: Announcement | undefined;
  /** Its losses since the feed began, and before anything was told. */
  header: Pick<FeedHeader, "lost" | "dropped" | "malformed" | "malformedBecause" | "inexact">;
  /** Set when nobody knows what it lost, for it does not answer. */
  silent: boolean;
  /** Rows lost on the way in the feed that runs. */
  gap: number;
  /** True when a message of this feed has come. */
  isHeard: boolean;
}

/** What runs while somebody subscribes. */
interface RunningFeed {
  id: string;
  begun: Promise<void>;
  messages?: ConsumerMessages;
  ended: boolean;
}

const nothing = { lost: 0, dropped: 0, malformed: 0, inexact: 0 };

/** A ring of a program on several hosts. All who subscribe share one feed, which runs while there are any. */
export class FleetRing {
  readonly #fleet: Fleet;
  readonly #program: string;
  readonly #ring: string;
  readonly #hosts: readonly HostFeed[];
  readonly #names: readonly string[];
  readonly #subscribers = new Set<(table: ColumnTable) => void>();
  readonly #completes = new Set<Subscriber<EventBatch>>();
  #feed: RunningFeed | undefined;
  /** A table without rows, which has the columns. */
  #empty: ColumnTable = makeTable({});
  #ending: Promise<void> = Promise.resolve();
  #done = false;

  constructor(fleet: Fleet, program: string, ring: string, machines: ReadonlyMap<string, Announcement | undefined>) {
    this.#fleet = fleet;
    this.#program = program;
    this.#ring = ring;
    this.#names = [...machines.keys()];
    this.#hosts = [...machines].map(([host, machine]) => ({
      host,
      machine,
      delivered: 0,
      lostInTransport: 0,
      unread: 0,
      next: 0,
      gap: 0,
      isHeard: false,
      silent: false,
      header: nothing,
    }));
  }

  get #source(): string {
    return `${this.#program}.${this.#ring}`;
  }

  events(): Observable<EventBatch> {
    const stream = new Observable<EventBatch>((subscriber) => {
      if (this.#done) return subscriber.complete();
      const baseline = this.#totals();
      const now = Date.now();
      const capture: Capture = {
        source: this.#source,
        rows: 0,
        lost: 0,
        dropped: 0,
        startedAt: now,
        endedAt: now,
        ...this.#provenance(),
      };
      const next = (table: ColumnTable) => {
        const totals = this.#totals();
        capture.rows += table.numRows();
        capture.lost = totals.lost === undefined ? undefined : totals.lost - (baseline.lost ?? 0);
        capture.dropped = totals.dropped - baseline.dropped;
        capture.endedAt = Date.now();
        subscriber.next({
          table: markCapture(table, capture) as EventBatch["table"],
          source: this.#source,
          rows: table.numRows(),
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
    const feed: RunningFeed = { id: randomBytes(8).toString("hex"), begun: Promise.resolve(), ended: false };
    this.#feed = feed;
    feed.begun = this.#ending.then(() => this.#start(feed));
    feed.begun.catch(() => {
      if (this.#feed === feed) this.#feed = undefined;
    });
    return feed.begun;
  }

  async #start(feed: RunningFeed): Promise<void> {
    for (const host of this.#hosts)
      Object.assign(host, { next: 0, gap: 0, isHeard: false, silent: false, header: nothing });
    const consumer = await this.#fleet.stream.consumers.get(streamName, {
      filter_subjects: subjects.events("*", feed.id),
      deliver_policy: DeliverPolicy.All,
    });
    feed.messages = await consumer.consume({
      callback: (message) => this.#take(message),
      expires: 10_000,
      idle_heartbeat: 1000, // two that are missed, and a server that was started anew is asked again
    });
    const ask = { do: "start", program: this.#program, ring: this.#ring, feed: feed.id } as const;
    const outcomes = await this.#fleet.command<FeedTotals>(this.#names, ask);
    // The first message of each has no rows; it proves the way.
    const isDeaf = (one: Outcome<FeedTotals>) => "value" in one && !this.#seen(one.host).isHeard;
    for (const end = Date.now() + settleMs; outcomes.some(isDeaf) && Date.now() < end && !feed.ended; await delay(5));
    this.#markSilent(outcomes);
    const failed = outcomes.flatMap((one) => ("error" in one ? [one.error] : []));
    if (failed.length === outcomes.length) throw failed[0] ?? new BpflabError("FLEET", "No host is there.");
    const deaf = outcomes.filter(isDeaf).map(({ host }) => host);
    if (deaf.length > 0 && !feed.ended)
      throw new BpflabError("FLEET", `The events of ${listNames(deaf)} do not come through the server.`, {
        hint: "Check that it has JetStream, and lets these agents publish events.",
      });
  }

  #markSilent(outcomes: readonly Outcome<FeedTotals>[]): void {
    for (const one of outcomes) {
      const host = this.#seen(one.host);
      const was = host.silent;
      host.silent = "error" in one;
      if (was !== host.silent) this.#deliver(this.#empty); // what is lost is known no longer, or again
    }
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
          const host = this.#seen(one.host);
          if ("value" in one) host.unread += one.value.sent - host.next;
          host.next = 0;
        }
      })
      .catch(() => {});
  }

  #take(message: JsMsg): void {
    const host = this.#hosts.find(({ host }) => host === hostOf(message.subject));
    const text = message.headers?.get(headerName);
    if (!host || !text || this.#feed === undefined || !message.subject.endsWith(`.${this.#feed.id}`)) return;
    const header = feedHeaderFrom(text);
    if (!header || header.first < host.next) return; // it came before
    let table: ColumnTable | undefined;
    try {
      table = unpackTable(message.data);
    } catch {
      // What cannot be read is as good as lost: the next header tells how many rows these were.
    }
    if (!table || table.numRows() !== header.rows) return;
    host.isHeard = true;
    const gap = header.first - host.next;
    host.gap += gap;
    host.lostInTransport += gap;
    host.next = header.first + header.rows;
    host.delivered += header.rows;
    host.header = header;
    const whole = this.#withHost(table, host);
    if (whole.numRows() === 0) this.#empty = whole;
    this.#deliver(whole);
  }

  #withHost(table: ColumnTable, host: HostFeed): ColumnTable {
    const codes = new Uint32Array(table.numRows()).fill(this.#hosts.indexOf(host));
    return makeTable({
      host: new DictionaryColumn(codes, this.#names) as never,
      ...(table.data() as Record<string, never>),
    });
  }

  #deliver(table: ColumnTable): void {
    for (const next of [...this.#subscribers]) next(table);
  }

  /** The losses of all hosts since the feed began. */
  #totals(): Pick<EventBatch, "lost" | "dropped" | "malformed" | "malformedBecause" | "inexact"> {
    const { lost, dropped } = sumMissing(
      this.#hosts.map(({ header, silent, gap }) => ({
        lost: silent ? undefined : header.lost,
        dropped: header.dropped + gap,
      })),
    );
    const sum = (of: (header: HostFeed["header"]) => number) =>
      this.#hosts.reduce((total, { header }) => total + of(header), 0);
    const because = this.#hosts.find(({ header }) => header.malformedBecause)?.header.malformedBecause;
    return {
      lost,
      dropped,
      malformed: sum(({ malformed }) => malformed),
      ...(because === undefined ? {} : { malformedBecause: because }),
      inexact: sum(({ inexact }) => inexact),
    };
  }

  #provenance(): Partial<Capture> {
    const machines = this.#hosts.flatMap(({ machine }) => machine ?? []);
    const [first] = machines;
    const isOne = machines.length === this.#hosts.length && machines.every(({ bootId }) => bootId === first!.bootId);
    return {
      host: this.#names.join(" and "),
      droppedAs: "dropped at an agent's memory bound or lost on the way here",
      kernel: [...new Set(machines.map(({ kernel }) => kernel))].join(" and ") || "unknown",
      ...(isOne ? { bootId: first!.bootId, clockOffset_ms: first!.clockOffset_ms } : {}),
    };
  }

  /** Waits until what the hosts had sent when they were asked has come. A host that does not answer has unknown losses. */
  async #settle(): Promise<void> {
    const feed = this.#feed;
    if (!feed) return;
    try {
      const outcomes = await this.#ask();
      this.#markSilent(outcomes);
      const end = Date.now() + settleMs;
      const isMissing = () =>
        outcomes.some((one) => "value" in one && this.#seen(one.host).next < one.value.sent && !feed.ended);
      while (isMissing() && Date.now() < end) await delay(5);
      for (const one of outcomes)
        if ("value" in one && this.#seen(one.host).next < one.value.sent) this.#seen(one.host).silent = true;
      this.#deliver(this.#empty);
    } catch {
      for (const host of this.#hosts) host.silent = true;
    }
  }

  #seen(name: string): HostFeed {
    return this.#hosts.find(({ host }) => host === name)!;
  }

  #ask(): Promise<Outcome<FeedTotals>[]> {
    return this.#fleet.command<FeedTotals>(this.#names, { do: "totals", program: this.#program, ring: this.#ring });
  }

  /** Each host's account from both ends. */
  async accounts(): Promise<Account[]> {
    await this.#ending;
    return (await this.#ask()).map((one) => accountOf(this.#seen(one.host), "value" in one ? one.value : undefined));
  }
}
