import { cpus } from "node:os";
import { jetstream } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { requireInteger } from "../base/arguments.js";
import { BpflabError } from "../base/errors.js";
import { load } from "../handles/load.js";
import type { BpfObject } from "../handles/object.js";
import { isRing } from "../bpf/ring-records.js";
import { provenance } from "../streams/clock.js";
import type { ConnectionOptions } from "./connect.js";
import { connectServer } from "./connection.js";
import { Feed } from "./feed.js";
import { Outbox } from "./outbox.js";
import { ProgramSources } from "./program-sources.js";
import {
  type Announcement,
  type Command,
  errorReply,
  type FeedTotals,
  fromBytes,
  type Loaded,
  type Reply,
  requireHostName,
  subjects,
  toBytes,
} from "./protocol.js";

export interface AgentOptions extends ConnectionOptions {
  /** The host's name in the fleet; with credentials, the one that they are for. */
  name: string;
  /** A directory with programs (`NAME.bpf.c`) beside the shipped ones, that its owner alone can write to. */
  programs?: string;
  /** After so many seconds without a word from a notebook its programs are closed; default 60. */
  leaseSeconds?: number;
  /** Most memory, in bytes, of events that wait to be sent; default 64 MiB. */
  bufferBytes?: number;
}

interface Run {
  object: BpfObject;
  notebook: string;
  feeds: Map<string, Feed>;
  /** Rows that feeds which have ended dropped, by ring. */
  overflow: Map<string, number>;
}

/** What runs on a host of a fleet: loads programs for a notebook and sends their events to it. */
export class Agent {
  readonly name: string;
  readonly #connection: NatsConnection;
  readonly #sources: ProgramSources;
  readonly #outbox: Outbox;
  readonly #runs = new Map<string, Run>();
  readonly #heard = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[];
  #turn: Promise<void> = Promise.resolve();

  private constructor(connection: NatsConnection, sources: ProgramSources, options: Required<AgentOptionsInUse>) {
    this.name = options.name;
    this.#connection = connection;
    this.#sources = sources;
    this.#outbox = new Outbox(jetstream(connection), connection.info?.max_payload ?? 2 ** 20, options.bufferBytes);
    connection.subscribe(subjects.ask, { callback: (error, message) => void (error ?? this.#asked(message)) });
    connection.subscribe(subjects.command(this.name), {
      callback: (error, message) => {
        if (!error) this.#turn = this.#turn.then(() => this.#answer(message)); // in the order in which they came
      },
    });
    const lease = () => this.#closeSilent(options.leaseSeconds * 1000);
    this.#timers = [setInterval(lease, 1000), setInterval(() => this.#announce(), 5000)];
    this.#announce();
  }

  /** @throws ArgumentError; BpflabError when the server does not let it in */
  static async start(url: string, options: AgentOptions): Promise<Agent> {
    const { leaseSeconds = 60, bufferBytes = 64 * 2 ** 20 } = options;
    requireInteger("leaseSeconds", leaseSeconds, { from: 1, to: 86_400 });
    requireInteger("bufferBytes", bufferBytes, { from: 2 ** 16 });
    const name = requireHostName(options.name);
    const sources = new ProgramSources(options.programs);
    const connection = await connectServer(url, options, `_INBOX_${name}`);
    return new Agent(connection, sources, { name, leaseSeconds, bufferBytes });
  }

  /** Resolves when the connection has ended for good. */
  async ended(): Promise<void> {
    await this.#connection.closed();
  }

  /** Closes its programs and leaves. Idempotent. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const program of [...this.#runs.keys()]) this.#end(program);
    this.#outbox.close();
    await this.#connection.close();
  }

  #asked(message: Msg): void {
    const notebook = message.string();
    if (this.#heard.has(notebook)) this.#heard.set(notebook, Date.now());
    this.#announce();
  }

  #announce(): void {
    if (this.#connection.isClosed()) return;
    const { host, ...rest } = provenance();
    const what: Announcement = { ...rest, machine: host, cpus: cpus().length, programs: this.#sources.names };
    this.#connection.publish(subjects.hello(this.name), toBytes(what));
  }

  #closeSilent(lease: number): void {
    for (const [notebook, heard] of this.#heard) {
      if (Date.now() - heard <= lease) continue;
      this.#heard.delete(notebook);
      for (const [program, run] of this.#runs) if (run.notebook === notebook) this.#end(program);
    }
  }

  #end(program: string): void {
    const run = this.#runs.get(program);
    this.#runs.delete(program);
    for (const feed of run?.feeds.values() ?? []) feed.stop();
    run?.object.close();
  }

  async #answer(message: Msg): Promise<void> {
    let reply: Reply;
    try {
      const command = fromBytes<Command>(message.data);
      this.#heard.set(command.notebook, Date.now());
      reply = { ok: (await this.#obey(command)) ?? null };
    } catch (error) {
      reply = errorReply(error);
    }
    if (!this.#connection.isClosed()) message.respond(toBytes(reply));
  }

  async #obey(command: Command): Promise<Loaded | FeedTotals | undefined> {
    if (command.do === "load") return this.#load(command);
    const run = this.#runs.get(command.program);
    if (command.do === "close") {
      if (run?.notebook === command.notebook) this.#end(command.program);
      return undefined;
    }
    if (run?.notebook !== command.notebook)
      throw new BpflabError("FLEET", `${this.name} does not run ${command.program} for this notebook (any more).`, {
        hint: "Its agent was restarted, or the notebook was silent for too long; load it again.",
      });
    switch (command.do) {
      case "attach":
        await run.object.attach();
        return undefined;
      case "set":
        run.object.globals[command.global] = command.value;
        return undefined;
      case "start":
        if (!run.feeds.has(command.ring)) {
          const subject = subjects.events(this.name, command.feed);
          run.feeds.set(command.ring, new Feed(run.object, command.ring, command.feed, subject, this.#outbox));
        }
        return this.#totals(run, command.ring);
      case "stop":
        return this.#stop(run, command.ring, command.feed);
      case "totals":
        return this.#totals(run, command.ring);
    }
  }

  async #load({ notebook, program, globals, constants, maxEntries }: Command & { do: "load" }): Promise<Loaded> {
    const before = this.#runs.get(program);
    if (before && before.notebook !== notebook)
      throw new BpflabError("FLEET", `${this.name} runs ${program} for another notebook.`, {
        hint: "Close it there first.",
      });
    this.#end(program); // its counts would be those of a handle that is no more
    const object: BpfObject = await load(await this.#sources.compile(program), { globals, constants, maxEntries });
    this.#runs.set(program, { object, notebook, feeds: new Map(), overflow: new Map() });
    const rings = Object.values(object.maps).filter((map) => isRing({ typeName: map.type }));
    return { globals: { ...object.globals }, rings: rings.map((map) => map.name) };
  }

  #totals(run: Run, ring: string): FeedTotals {
    const now = run.feeds.get(ring)?.totals() ?? { ring: run.object.totals(ring), sent: 0, overflow: 0 };
    return { ...now, overflow: now.overflow + (run.overflow.get(ring) ?? 0) };
  }

  #stop(run: Run, ring: string, id: string): FeedTotals {
    const feed = run.feeds.get(ring);
    if (feed?.id !== id) return this.#totals(run, ring);
    const { overflow, ...totals } = feed.stop();
    run.feeds.delete(ring);
    run.overflow.set(ring, overflow + (run.overflow.get(ring) ?? 0));
    return { ...totals, overflow: run.overflow.get(ring)! };
  }
}

type AgentOptionsInUse = Pick<AgentOptions, "name" | "leaseSeconds" | "bufferBytes">;
