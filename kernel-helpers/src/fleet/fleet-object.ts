import type { ColumnTable } from "arquero";
import type { Observable } from "rxjs";
import { ClosedError } from "../base/errors.js";
import { namedObject, refuseUnknownOptions, unknownName } from "../base/names.js";
import type { AttachOptions } from "../bpf/link/hooks.js";
import type { Layout } from "../bpf/btf.js";
import type { EventBatch } from "../streams/batch.js";
import { accountTable } from "./account.js";
import type { Ask, Hosts } from "./hosts.js";
import { FleetGlobals } from "./fleet-globals.js";
import { FleetMap, type OnlyOptions } from "./fleet-map.js";
import { chooseHosts, type Outcome, outcomeTable, outcomeText, rowsTable, succeeded } from "./outcomes.js";
import type { Announcement, Loaded, Values } from "./protocol.js";
import { type FleetEventsOptions, FleetRing } from "./ring.js";

/** A program that is loaded on several hosts, with the methods of a `BpfObject`, each done on all of them. */
export class FleetObject {
  /** The program's name. */
  readonly name: string;
  /** The hosts on which it is loaded. */
  readonly hosts: readonly string[];
  /** Its maps, by name. */
  readonly maps: Readonly<Record<string, FleetMap>>;
  readonly #fleet: Hosts;
  readonly #globals: FleetGlobals;
  readonly #rings: Readonly<Record<string, FleetRing>>;
  readonly #outcomes: { host: string; did: string; outcome: string }[] = [];
  readonly #onClose = new Set<() => void>();
  #closed = false;

  private constructor(
    fleet: Hosts,
    name: string,
    outcomes: readonly Outcome<Loaded>[],
    known: ReadonlyMap<string, Announcement>,
  ) {
    this.#fleet = fleet;
    this.name = name;
    const loaded = succeeded(outcomes);
    this.hosts = loaded.map(({ host }) => host);
    this.#note("load", outcomes);
    this.#globals = new FleetGlobals(
      `${name}.globals`,
      new Map(loaded.map(({ host, value }) => [host, { ...value.globals }])),
      new Map<string, Layout>(loaded.flatMap(({ value }) => Object.entries(value.layouts))),
      () => this.#open(),
      (hosts, values) => this.#do("set", hosts, { do: "set", program: name, values }),
    );
    const machines = new Map(this.hosts.map((host) => [host, known.get(host)]));
    const each = <T>(names: readonly string[], of: (name: string) => T) =>
      Object.fromEntries([...new Set(names)].map((one) => [one, of(one)]));
    this.#rings = each(
      loaded.flatMap(({ value }) => value.rings),
      (ring) => new FleetRing(fleet, name, ring, machines),
    );
    const owner = {
      fleet,
      program: name,
      choose: (only: readonly string[] | undefined) => this.#choose(only),
      onClose: (act: () => void) => {
        this.#onClose.add(act);
        return () => void this.#onClose.delete(act);
      },
    };
    const maps = each(
      loaded.flatMap(({ value }) => value.maps),
      (map) => FleetMap.make(owner, map),
    );
    this.maps = namedObject("map", name, maps);
  }

  /** @internal use `fleet.load` */
  static make(
    fleet: Hosts,
    name: string,
    outcomes: readonly Outcome<Loaded>[],
    known: ReadonlyMap<string, Announcement>,
  ): FleetObject {
    return new FleetObject(fleet, name, outcomes, known);
  }

  /** True once it has been closed, or replaced by another load of its name. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The globals; setting one reaches every host, and `applied` says which have it. What was set last is what is read, or
   * what all hosts have; undefined where they differ.
   */
  get globals(): Values {
    return this.#globals.values;
  }

  /** What was asked of each host until now, and what became of it. */
  get outcomes(): ColumnTable {
    return rowsTable(["host", "did", "outcome"], this.#outcomes);
  }

  #note(did: string, outcomes: readonly Outcome<unknown>[]): void {
    for (const one of outcomes) this.#outcomes.push({ host: one.host, did, outcome: outcomeText(one) });
  }

  #open(): void {
    if (this.#closed) throw new ClosedError(`${this.name} of the fleet`);
  }

  #choose(only: readonly string[] | undefined): string[] {
    this.#open();
    return chooseHosts(this.hosts, only);
  }

  async #do(did: string, hosts: readonly string[], ask: Ask): Promise<Outcome<unknown>[]> {
    const outcomes = this.#fleet.closed ? [] : await this.#fleet.command(hosts, ask);
    this.#note(did, outcomes);
    return outcomes;
  }

  /**
   * Attaches its programs on all hosts, or on some; returns the outcome for each.
   *
   * @param options what `BpfObject.attach` takes, and `only`
   * @throws ClosedError; ArgumentError; the first host's error when none attaches them
   * @example
   * await filter.attach({ interface: "eth0", direction: "ingress", only: ["web-*"] });
   */
  async attach({ only, ...options }: AttachOptions & OnlyOptions = {}): Promise<ColumnTable> {
    const ask = { do: "attach", program: this.name, options: options as Values } as const;
    return outcomeTable(await this.#do("attach", this.#choose(only), ask));
  }

  /** Takes its programs off their hooks; maps and globals stay. Returns the outcome for each host. @throws as `attach` */
  async detach({ only }: OnlyOptions = {}): Promise<ColumnTable> {
    return outcomeTable(await this.#do("detach", this.#choose(only), { do: "detach", program: this.name }));
  }

  /**
   * Sets globals on all hosts, or on some; returns the outcome for each.
   *
   * @throws ArgumentError for a global that is not there or a value that it cannot hold; ClosedError; the first host's
   *   error when none has them
   * @example
   * await filter.set({ threshold: 5 }, { only: ["web-1"] });
   */
  async set(values: Values, { only }: OnlyOptions = {}): Promise<ColumnTable> {
    return outcomeTable(await this.#globals.set(values, this.#choose(only)));
  }

  /** @internal of a probe */
  async setParams(values: Values): Promise<void> {
    outcomeTable(await this.#do("params", this.#choose(undefined), { do: "set", program: this.name, values }));
  }

  /**
   * The events of a ring on all hosts, in batches of one host each, with a column `host`. `collect` waits until every
   * host sends, and at its end for what is on the way; behind operators of RxJS it cannot know, and does not wait.
   * Times are as the clock of this machine has them.
   *
   * @throws ArgumentError for an unknown ring; ClosedError
   */
  events(ring: string, options: FleetEventsOptions = {}): Observable<EventBatch> {
    this.#open();
    refuseUnknownOptions("events", options, ["times"]);
    return this.#ring(ring).events(options);
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

  /** Waits until the globals that were set are set everywhere; returns the outcome of each for each host. */
  async applied(): Promise<ColumnTable> {
    return rowsTable(["host", "global", "value", "outcome"], await this.#globals.applied());
  }

  /** @internal tells those who read its events that some hosts are not heard any more */
  notHeard(hosts: readonly string[]): void {
    for (const ring of Object.values(this.#rings)) ring.notHeard(hosts);
  }

  /** @internal another one runs in its place */
  replaced(): void {
    this.#closed = true;
    for (const ring of Object.values(this.#rings)) ring.complete();
    for (const act of [...this.#onClose]) act();
  }

  /** Takes its programs off all hosts; subscriptions to its events complete. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.replaced();
    await this.#globals.applied();
    await this.#do("close", this.hosts, { do: "close", program: this.name });
    this.#fleet.forget(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
