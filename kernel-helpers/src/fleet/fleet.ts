import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager, type JetStreamClient, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError, BpflabError, ClosedError } from "../base/errors.js";
import { listNames, refuseUnknownOptions } from "../base/names.js";
import type { ConnectionOptions } from "./connect.js";
import { connectServer } from "./connection.js";
import { FleetObject } from "./fleet-object.js";
import {
  type Announcement,
  announcementFrom,
  type Command,
  fromBytes,
  hostOf,
  type Loaded,
  type Reply,
  streamName,
  subjects,
  toBytes,
  type Values,
} from "./protocol.js";

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

/** A command without the notebook's own id. */
export type Ask = Command extends infer C ? (C extends Command ? Omit<C, "notebook"> : never) : never;

/** What became of a command on a host. */
export type Outcome<T> = { host: string; value: T } | { host: string; error: Error };

/** A host counts as silent when it has not announced itself for so long. */
const silentMs = 15_000;

/** The hosts whose agents are connected to a server. Made by `connectFleet`. */
export class Fleet {
  readonly #connection: NatsConnection;
  /** @internal */
  readonly stream: JetStreamClient;
  readonly #notebook = randomBytes(12).toString("hex");
  readonly #known = new Map<string, Announcement & { at: number }>();
  readonly #objects = new Map<string, FleetObject>();
  readonly #timer: NodeJS.Timeout;

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
    this.#timer = setInterval(() => this.#ask(), 2000);
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

  get closed(): boolean {
    return this.#connection.isClosed();
  }

  /** Sees to it that the server keeps what agents send, and waits for those that are there. */
  async #meet(): Promise<void> {
    const manager = await jetstreamManager(this.#connection);
    await manager.streams.add({
      name: streamName,
      subjects: [subjects.events("*", "*")],
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
  }

  #ask(): void {
    if (!this.closed) this.#connection.publish(subjects.ask, this.#notebook);
  }

  /**
   * The hosts that have announced themselves, each a row: its kernel, its number of CPUs, the programs that it loads, and
   * how many seconds ago it was heard.
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
      heard_s_ago: column(({ at }) => Math.round((Date.now() - at) / 100) / 10),
    });
  }

  /**
   * Loads a program on all hosts, or on some. A host that cannot load it is left out, and `outcomes` of the handle says
   * why. Loading a name again closes
   * what this notebook runs of it there.
   *
   * @param name a program that the agents load; `hosts()` lists them
   * @throws ArgumentError when no host is meant; BpflabError when none of them loads it; ClosedError
   * @example
   * const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: 0 }, only: ["web-*"] });
   */
  async load(name: string, options: FleetLoadOptions = {}): Promise<FleetObject> {
    refuseUnknownOptions("fleet.load", options, ["globals", "constants", "maxEntries", "only"]);
    const { globals = {}, constants = {}, maxEntries = {}, only } = options;
    const hosts = this.#choose(only);
    const ask: Ask = { do: "load", program: name, globals, constants, maxEntries };
    const outcomes = await this.command<Loaded>(hosts, ask, 60_000); // a host may have to compile it
    const failed = outcomes.flatMap((one) => ("error" in one ? [one] : []));
    if (failed.length === outcomes.length)
      throw new BpflabError("FLEET", `No host loads ${name}. ${failed[0]!.host}: ${failed[0]!.error.message}`, {
        cause: failed[0]!.error,
      });
    this.#objects.get(name)?.replaced();
    const object = new FleetObject(this, name, outcomes, this.#known);
    this.#objects.set(name, object);
    return object;
  }

  #choose(only: readonly string[] | undefined): string[] {
    const all = [...this.#known].filter(([, { at }]) => Date.now() - at < silentMs).map(([host]) => host);
    const patterns = only?.map((one) => new RegExp(`^${one.split("*").map(escaped).join(".*")}$`));
    const chosen = patterns ? all.filter((host) => patterns.some((pattern) => pattern.test(host))) : all;
    if (chosen.length > 0) return chosen.sort();
    throw new ArgumentError(only ? `No host is called ${only.join(" or ")}.` : "No host is there.", {
      hint: all.length > 0 ? `There are ${listNames(all.sort())}.` : "Start `npx bpflab agent` on one.",
    });
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

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
