import { inspect } from "node:util";
import { type ColumnTable, table as makeTable } from "arquero";
import type { Observable } from "rxjs";
import { ClosedError } from "../base/errors.js";
import { namedObject, unknownName } from "../base/names.js";
import type { EventBatch } from "../streams/batch.js";
import { accountTable } from "./account.js";
import type { Fleet, Outcome } from "./fleet.js";
import type { Announcement, Loaded, Values } from "./protocol.js";
import { FleetRing } from "./ring.js";

/** A program that is loaded on several hosts: what one does with a `BpfObject`, done on all of them. */
export class FleetObject {
  readonly name: string;
  /** The hosts on which it is loaded. */
  readonly hosts: readonly string[];
  /** The globals; setting one reaches every host, and `applied` says which have it. Undefined where hosts differ. */
  readonly globals: Values;
  readonly #fleet: Fleet;
  readonly #rings: Readonly<Record<string, FleetRing>>;
  readonly #outcomes: { host: string; did: string; outcome: string }[] = [];
  #setting: Promise<unknown> = Promise.resolve();
  #applied: { host: string; global: string; value: unknown; outcome: string }[] = [];
  #closed = false;

  /** @internal use `fleet.load` */
  constructor(
    fleet: Fleet,
    name: string,
    outcomes: readonly Outcome<Loaded>[],
    known: ReadonlyMap<string, Announcement>,
  ) {
    this.#fleet = fleet;
    this.name = name;
    const loaded = outcomes.flatMap((one) => ("value" in one ? [one] : []));
    this.hosts = loaded.map(({ host }) => host);
    this.#note("load", outcomes);
    const values = new Map(loaded.map(({ host, value }) => [host, { ...value.globals }]));
    this.globals = this.#globalsOf(values);
    const rings = [...new Set(loaded.flatMap(({ value }) => value.rings))];
    const machines = new Map(this.hosts.map((host) => [host, known.get(host)]));
    this.#rings = Object.fromEntries(rings.map((ring) => [ring, new FleetRing(fleet, name, ring, machines)]));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What was asked of each host until now, and what became of it. */
  get outcomes(): ColumnTable {
    return rowsTable(["host", "did", "outcome"], this.#outcomes);
  }

  #note(did: string, outcomes: readonly Outcome<unknown>[]): void {
    for (const one of outcomes) this.#outcomes.push({ host: one.host, did, outcome: textOf(one) });
  }

  #open(): void {
    if (this.#closed) throw new ClosedError(`${this.name} of the fleet`);
  }

  /**
   * Attaches its programs on all hosts; returns the outcome for each.
   *
   * @throws ClosedError; the first host's error when none attaches them
   */
  async attach(): Promise<ColumnTable> {
    this.#open();
    const outcomes = await this.#fleet.command(this.hosts, { do: "attach", program: this.name });
    this.#note("attach", outcomes);
    const failed = outcomes.flatMap((one) => ("error" in one ? [one.error] : []));
    if (failed.length === outcomes.length) throw failed[0]!;
    return rowsTable(
      ["host", "outcome"],
      outcomes.map((one) => ({ host: one.host, outcome: textOf(one) })),
    );
  }

  /**
   * The events of a ring on all hosts, in batches of one host each, with a column `host`. `collect` waits until every
   * host sends, and at its end for what is on the way; behind operators of RxJS it cannot know, and does not wait.
   *
   * @throws ArgumentError for an unknown ring; ClosedError
   */
  events(ring: string): Observable<EventBatch> {
    this.#open();
    return this.#ring(ring).events();
  }

  /**
   * What became of every record of a ring, by host and in all, since it was loaded:
   * produced = delivered + lost_in_kernel + dropped_at_agent + lost_in_transport + malformed + unread + in_flight.
   * What a host does not say, or nobody counts, is null.
   *
   * @throws ArgumentError for an unknown ring; ClosedError
   */
  async account(ring: string): Promise<ColumnTable> {
    this.#open();
    return accountTable(await this.#ring(ring).accounts());
  }

  #ring(name: string): FleetRing {
    const ring = this.#rings[name];
    if (!ring) throw unknownName("ring buffer", this.name, name, Object.keys(this.#rings));
    return ring;
  }

  #globalsOf(values: Map<string, Values>): Values {
    const globals: Values = {};
    for (const name of new Set([...values.values()].flatMap((one) => Object.keys(one))))
      Object.defineProperty(globals, name, {
        enumerable: true,
        get: () => {
          const [first, ...others] = [...values.values()].map((one) => one[name]);
          return others.every((value) => inspect(value) === inspect(first)) ? first : undefined;
        },
        set: (value: unknown) => {
          this.#open();
          this.#setting = this.#setting.then(() => this.#set(name, value, values));
        },
      });
    return namedObject("global", `${this.name}.globals`, globals) as Values;
  }

  async #set(global: string, value: unknown, values: Map<string, Values>): Promise<void> {
    const ask = { do: "set", program: this.name, global, value } as const;
    const outcomes = this.#fleet.closed ? [] : await this.#fleet.command(this.hosts, ask);
    this.#note(`set ${global}`, outcomes);
    for (const one of outcomes) if ("value" in one) values.get(one.host)![global] = value;
    this.#applied = outcomes.map((one) => ({ host: one.host, global, value, outcome: textOf(one) }));
  }

  /** Waits until the globals that were set are set everywhere; returns the outcome of the last for each host. */
  async applied(): Promise<ColumnTable> {
    await this.#setting;
    return rowsTable(["host", "global", "value", "outcome"], this.#applied);
  }

  /** @internal another one runs in its place */
  replaced(): void {
    this.#closed = true;
    for (const ring of Object.values(this.#rings)) ring.complete();
  }

  /** Takes its programs off all hosts; subscriptions to its events complete. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.replaced();
    await this.#setting;
    this.#note("close", await this.#fleet.command(this.hosts, { do: "close", program: this.name }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const textOf = (one: Outcome<unknown>): string => ("error" in one ? one.error.message : "done");

function rowsTable<Row extends object>(names: readonly (keyof Row & string)[], rows: readonly Row[]): ColumnTable {
  return makeTable(Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])));
}
