import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager, type JetStreamClient, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type ColumnTable, table as makeTable } from "arquero";
import { BpflabError, ClosedError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import type { Compiled } from "../clang/compile.js";
import type { Probe } from "../probe/probe.js";
import type { ClockReading } from "./host-clock.js";
import { HostClocks } from "./host-clocks.js";
import { type ConnectionOptions, connectServer } from "./connection.js";
import type { OnlyOptions } from "./fleet-map.js";
import { FleetObject } from "./fleet-object.js";
import { FleetProbe } from "./fleet-probe.js";
import type { Ask, Hosts } from "./hosts.js";
import { Keeper } from "./keeper.js";
import { chooseHosts, failed, type Outcome } from "./outcomes.js";
import { type PastOptions, readPast } from "./past.js";
import {
  type Announcement,
  announcementFrom,
  fromBytes,
  hostOf,
  type Loaded,
  type Reply,
  STREAM_NAME,
  subjects,
  toBytes,
  type Values,
} from "./protocol.js";
import { timeOfDay } from "./moments.js";

/** Which hosts load a program, and with what. */
export interface FleetLoadOptions {
  /** Globals to set on every host. */
  globals?: Values;
  /** `const volatile` variables. */
  constants?: Values;
  /** Sizes of maps: entries, or bytes of a ring buffer. */
  maxEntries?: Record<string, number>;
  /** Hosts to load it on, by name, with `*` for any letters; default all. */
  only?: readonly string[];
}

/** A host counts as silent when it has not announced itself for so long. */
const SILENT_MS = 15_000;

/** How often agents are told that this notebook is there. */
const TICK_MS = 1000;

/** The hosts whose agents are connected to a server. Made by `connectFleet`. */
export class Fleet implements Hosts {
  readonly #connection: NatsConnection;
  /** @internal */
  readonly stream: JetStreamClient;
  readonly #notebook = randomBytes(12).toString("hex");
  readonly #known = new Map<string, Announcement & { at: number }>();
  readonly #objects = new Map<string, FleetObject>();
  readonly #timer: NodeJS.Timeout;
  /** @internal */
  readonly clocks = new HostClocks((host) => this.askHost<ClockReading>(host, { do: "clock" }));
  #ticked = Date.now();
  /** When this process did nothing, not even look at the clock: until when, and how long. */
  readonly #stood: { until: number; seconds: number }[] = [];

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.stream = jetstream(connection);
    connection.subscribe(subjects.hello("*"), {
      callback: (error, message) => {
        const said = error ? undefined : announcementFrom(message.data);
        if (said) this.#known.set(hostOf(message.subject), { ...said, at: Date.now() });
      },
    });
    // Agents close the programs of a notebook that they do not hear any more.
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** @internal use `connectFleet` */
  static async connect(url: string, options: ConnectionOptions): Promise<Fleet> {
    const fleet = new Fleet(await connectServer(url, options, "_INBOX_notebook"));
    try {
      await fleet.#meet();
      return fleet;
    } catch (cause) {
      await fleet.close();
      throw new BpflabError("FLEET", `${url} cannot serve as the fleet's server: ${(cause as Error).message}.`, {
        hint: "It needs JetStream, and these credentials have to be a notebook's.",
        cause,
      });
    }
  }

  /** True once it has been closed. */
  get closed(): boolean {
    return this.#connection.isClosed();
  }

  /** Sees to it that the server keeps what agents send, and waits for those that are there. */
  async #meet(): Promise<void> {
    const manager = await jetstreamManager(this.#connection);
    await manager.streams.add({
      name: STREAM_NAME,
      subjects: [subjects.events("*", "*", "*", "*")],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      max_bytes: 256 * 2 ** 20,
      max_age: 3600 * 1e9,
    });
    this.#ask();
    for (let quiet = 0, seen = 0; quiet < 4; await delay(100)) {
      quiet = seen === this.#known.size ? quiet + 1 : 0;
      seen = this.#known.size;
    }
    await this.clocks.measure([...this.#known.keys()]);
  }

  #tick(): void {
    const stood = Date.now() - this.#ticked - TICK_MS;
    this.#ticked = Date.now();
    if (stood > TICK_MS) this.#stood.push({ until: Date.now(), seconds: (stood + TICK_MS) / 1000 });
    this.#ask();
    if (stood > TICK_MS) return; // what the hosts said meanwhile is still to be heard
    const silent = [...this.#known].filter(([, { at }]) => Date.now() - at > SILENT_MS).map(([host]) => host);
    for (const object of this.#objects.values()) object.notHeard(silent);
  }

  /** @internal how long this process did nothing since a moment (ms since 1970), at the most; undefined when it never did */
  stoodStill(since: number): { seconds: number; note: string } | undefined {
    const now = { until: Date.now(), seconds: (Date.now() - this.#ticked) / 1000 }; // its timer is late at this moment
    const late = (now.seconds * 1000 > 2 * TICK_MS ? [...this.#stood, now] : this.#stood).filter(
      (one) => one.until > since,
    );
    const longest = late.reduce((a, b) => (b.seconds > a.seconds ? b : a), { until: 0, seconds: 0 });
    if (longest.seconds === 0) return undefined;
    const { until, seconds } = longest;
    return { seconds, note: `This notebook stood still for ${seconds.toFixed(0)} s until ${timeOfDay(until)}.` };
  }

  #ask(): void {
    if (!this.closed) this.#connection.publish(subjects.ask, this.#notebook);
  }

  /**
   * The hosts that have announced themselves, each a row: its kernel, its number of CPUs, the programs that it loads, and
   * how many ms its time of day is ahead of this machine's, and how many seconds ago it was heard.
   *
   * @example
   * fleet.hosts()
   */
  hosts(): ColumnTable {
    const rows = [...this.#known].sort(([a], [b]) => a.localeCompare(b));
    const column = <T>(of: (host: Announcement & { at: number }) => T) => rows.map(([, host]) => of(host));
    return makeTable({
      host: rows.map(([name]) => name),
      machine: column(({ machine }) => machine),
      kernel: column(({ kernel }) => kernel),
      cpus: column(({ cpus }) => cpus),
      programs: column(({ programs }) => programs.join(", ")),
      clock_ahead_ms: rows.map(([host]) => rounded(this.clocks.of(host)?.ahead_ms)),
      heard_s_ago: column(({ at }) => rounded((Date.now() - at) / 1000)),
    });
  }

  /**
   * Loads a program on all hosts, or on some. A host that cannot load it is left out, and `outcomes` of the handle says
   * why. Loading a name again closes what this notebook runs of it there.
   *
   * @param what a program that the agents load, by name (`hosts()` lists them); or one of yours, as `bpf.compile` and
   *   `%%bpf` make them: its C text goes to the hosts, and each compiles it for its own kernel. Agents take C text only
   *   where they were started with `--allow-source`.
   * @throws ArgumentError when no host is meant; BpflabError when none of them loads it; ClosedError
   * @example
   * const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: 0 }, only: ["web-*"] });
   */
  async load(what: string | Pick<Compiled, "name" | "source">, options: FleetLoadOptions = {}): Promise<FleetObject> {
    refuseUnknownOptions("fleet.load", options, ["globals", "constants", "maxEntries", "only"]);
    const { globals = {}, constants = {}, maxEntries = {}, only } = options;
    const hosts = this.#choose(only);
    const program = typeof what === "string" ? { program: what } : { program: what.name, source: what.source };
    return this.#start(hosts, { do: "load", ...program, globals, constants, maxEntries });
  }

  /**
   * A probe's question, to be asked on all hosts, or on some: each makes the program for its own kernel, and its answer
   * has a column `host`. Agents take questions only where they were started with `--allow-source`.
   *
   * @throws ArgumentError when no host is meant
   * @example
   * await fleet.probe(probe("tp/syscalls/sys_exit_read").groupby("comm").count()).collect({ seconds: 5 })
   */
  probe(what: Probe<any>, { only }: OnlyOptions = {}): FleetProbe {
    this.#choose(only);
    return FleetProbe.make(what.asked(), (asked) => {
      const program = `probe_${randomBytes(4).toString("hex")}`;
      return this.#start(this.#choose(only), { do: "probe", program, asked }, "the probe");
    });
  }

  async #start(hosts: readonly string[], ask: Ask & { program: string }, as = ask.program): Promise<FleetObject> {
    const outcomes = await this.command<Loaded>(hosts, ask, 60_000); // a host may have to compile it
    const [first, ...others] = failed(outcomes);
    if (first && others.length + 1 === outcomes.length)
      throw new BpflabError("FLEET", `No host loads ${as}. ${first.host}: ${first.error.message}`, {
        cause: first.error,
      });
    this.#objects.get(ask.program)?.replaced();
    const object = FleetObject.make(this, ask.program, outcomes, this.#known);
    this.#objects.set(ask.program, object);
    return object;
  }

  /**
   * Keeps the events of all rings that any notebook reads, for longer than the server does: as Parquet files in a
   * directory, by ring, host and hour. `capture.query` asks them without loading them. `bpflab fleet keep` does it
   * without a notebook.
   *
   * @param directory one that only its owner can write to; it is made if need be
   * @returns the keeper: `flush()` writes now what else is written when it is `close()`d
   * @throws BpflabError for a directory that others can write to; ClosedError
   * @example
   * const keeper = await fleet.keep("kept");
   * await keeper.flush();
   * await capture.query("kept/ringbuf.rb", "select host, count(*) as events from events group by host")
   */
  async keep(directory: string): Promise<Keeper> {
    if (this.closed) throw new ClosedError("The fleet", { hint: "Connect to it again." });
    const keeper = new Keeper(directory, (host) => this.clocks.of(host));
    await keeper.start(this.stream);
    return keeper;
  }

  /** @internal of one that is closed */
  forget(object: FleetObject): void {
    if (this.#objects.get(object.name) === object) this.#objects.delete(object.name);
  }

  /**
   * What the server still holds of a ring that some notebook read: agents' events are kept for an hour, and up to
   * 256 MiB. The table is as `events` makes it, and knows what was lost.
   *
   * @param source such as `ringbuf.rb`
   * @throws ArgumentError, also when nothing is held; ClosedError
   * @example
   * await fleet.past("ringbuf.rb", { since: "10 minutes ago" })
   */
  async past(source: string, options: PastOptions = {}): Promise<ColumnTable> {
    refuseUnknownOptions("fleet.past", options, ["since", "only", "times"]);
    if (this.closed) throw new ClosedError("The fleet", { hint: "Connect to it again." });
    return readPast(this.stream, source, options, (host) => this.clocks.of(host));
  }

  #choose(only: readonly string[] | undefined): string[] {
    const there = [...this.#known].filter(([, { at }]) => Date.now() - at < SILENT_MS).map(([host]) => host);
    return chooseHosts(there, only);
  }

  /** @internal asks one host @throws what it answers */
  async askHost<T>(host: string, ask: Ask): Promise<T> {
    const [outcome] = await this.command<T>([host], ask);
    if ("error" in outcome!) throw outcome.error;
    return outcome!.value;
  }

  /** @internal asks several hosts at once; what one of them throws is its outcome */
  command<T>(hosts: readonly string[], ask: Ask, timeout = 10_000): Promise<Outcome<T>[]> {
    if (this.closed) throw new ClosedError("The fleet", { hint: "Connect to it again." });
    const data = toBytes({ ...ask, notebook: this.#notebook });
    return Promise.all(
      hosts.map(async (host): Promise<Outcome<T>> => {
        try {
          const { data: answer } = await this.#connection.request(subjects.command(host), data, { timeout });
          const reply = fromBytes<Reply>(answer);
          if ("ok" in reply) return { host, value: reply.ok as T };
          return { host, error: new BpflabError(reply.error.code, reply.error.message) };
        } catch (cause) {
          const message = `${host} does not answer: ${(cause as Error).message}.`;
          return { host, error: new BpflabError("FLEET", message, { cause }) };
        }
      }),
    );
  }

  /** Takes its programs off all hosts and leaves. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return;
    clearInterval(this.#timer);
    await Promise.all([...this.#objects.values()].map((object) => object.close()));
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const rounded = (number: number | undefined) => (number === undefined ? null : Math.round(number * 10) / 10);
