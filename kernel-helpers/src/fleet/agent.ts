import { cpus } from "node:os";
import { jetstream } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { ColumnTable } from "arquero";
import { requireInteger, requireNumber } from "../base/arguments.js";
import { BpflabError } from "../base/errors.js";
import { load } from "../handles/load.js";
import type { BpfObject } from "../handles/object.js";
import { Probe } from "../probe/probe.js";
import type { Run } from "../probe/run.js";
import { captureOf } from "../streams/capture.js";
import { provenance } from "../streams/clock.js";
import { AgentRun } from "./agent-run.js";
import { Blobs } from "./blobs.js";
import { type ClockReading, readClock } from "./host-clock.js";
import { type ConnectionOptions, connectServer } from "./connection.js";
import { Feed } from "./feed.js";
import { Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import { packTable } from "./payload.js";
import { ProgramSources } from "./program-sources.js";
import {
  type Announcement,
  type Blob,
  type Command,
  errorReply,
  fromBytes,
  type Loaded,
  type Reply,
  requireHostName,
  subjects,
  toBytes,
} from "./protocol.js";
import { type Baseline, Witness } from "./witness.js";

export interface AgentOptions extends ConnectionOptions {
  /** The host's name in the fleet; with credentials, the one that they are for. */
  name: string;
  /** A directory with programs (`NAME.bpf.c`) beside the shipped ones, that its owner alone can write to. */
  programs?: string;
  /** Compile and load C text that a notebook sends, too. */
  allowSource?: boolean;
  /** After so many seconds without a word from a notebook its programs are closed; default 120. */
  leaseSeconds?: number;
  /** Most of a CPU that it uses, as a share: 0.5 is a half; default 1. Beyond it events wait, and at last are dropped. */
  cpu?: number;
  /** @internal another clock than this machine's, for tests */
  clock?: () => ClockReading;
  /** Most memory, in bytes, of events that wait to be sent; default 64 MiB. */
  bufferBytes?: number;
}

/** What runs on a host of a fleet: loads programs for a notebook and sends their events to it. */
export class Agent {
  readonly name: string;
  readonly #connection: NatsConnection;
  readonly #sources: ProgramSources;
  readonly #outbox: Outbox;
  readonly #blobs = new Blobs();
  readonly #runs = new Map<string, AgentRun>();
  readonly #heard = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[];
  readonly #witness: Witness;
  readonly #bufferBytes: number;
  readonly #clock: () => ClockReading;
  #queue: Promise<void> = Promise.resolve();

  private constructor(
    connection: NatsConnection,
    sources: ProgramSources,
    witness: Witness,
    options: Required<AgentOptionsInUse>,
  ) {
    this.name = options.name;
    this.#witness = witness;
    this.#bufferBytes = options.bufferBytes;
    this.#clock = options.clock;
    this.#connection = connection;
    this.#sources = sources;
    const { max_payload = 2 ** 20 } = connection.info ?? {};
    this.#outbox = new Outbox(jetstream(connection), max_payload, options.bufferBytes, new Pace(options.cpu));
    connection.subscribe(subjects.ask, { callback: (error, message) => void (error ?? this.#asked(message)) });
    connection.subscribe(subjects.command(this.name), {
      callback: (error, message) => {
        if (!error) this.#receive(message);
      },
    });
    const lease = () => this.#closeSilent(options.leaseSeconds * 1000);
    this.#timers = [setInterval(lease, 1000), setInterval(() => this.#announce(), 5000)];
    this.#announce();
  }

  /** @throws ArgumentError; BpflabError when the server does not let it in */
  static async start(url: string, options: AgentOptions): Promise<Agent> {
    const { leaseSeconds = 120, bufferBytes = 64 * 2 ** 20, cpu = 1, clock = readClock } = options;
    requireInteger("leaseSeconds", leaseSeconds, { from: 1, to: 86_400 });
    requireInteger("bufferBytes", bufferBytes, { from: 2 ** 16 });
    requireNumber("cpu", cpu, { above: 0, to: 1024 });
    const name = requireHostName(options.name);
    const sources = new ProgramSources(options.programs, options.allowSource);
    const connection = await connectServer(url, options, `_INBOX_${name}`);
    return new Agent(connection, sources, new Witness(url, name, options), {
      name,
      leaseSeconds,
      bufferBytes,
      cpu,
      clock,
    });
  }

  /**
   * True where the server does not keep agents apart: this one may hear what others are told, so nothing but the network
   * keeps strangers from commanding it.
   */
  async isUnguarded(): Promise<boolean> {
    let isRefused = false;
    const attempt = this.#connection.subscribe(subjects.command("*"), {
      callback: (error) => {
        if (error) isRefused = true;
      },
    });
    await this.#connection.flush();
    attempt.unsubscribe();
    return !isRefused;
  }

  /** Resolves when the connection has ended for good. */
  async ended(): Promise<void> {
    await this.#connection.closed();
  }

  /** Closes its programs, sends what waits for some seconds at most, and leaves. Idempotent. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const program of [...this.#runs.keys()]) this.#finish(program, "its agent was stopped");
    if (!this.#connection.isClosed()) await this.#outbox.drained(3000);
    this.#outbox.close();
    this.#witness.dismiss();
    await this.#connection.close();
  }

  #asked(message: Msg): void {
    const notebook = message.string();
    const isNew = !this.#heard.has(notebook);
    this.#heard.set(notebook, Date.now());
    if (isNew) this.#announce();
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
      for (const [program, run] of this.#runs)
        if (run.notebook === notebook)
          this.#finish(program, `it heard nothing from this notebook for ${lease / 1000} s`);
    }
  }

  /** Ends a program that its notebook did not end: that shall know how it stood. */
  #finish(program: string, because: string): void {
    this.#runs.get(program)?.finish(because);
    this.#forget(program);
  }

  #end(program: string): void {
    this.#runs.get(program)?.close();
    this.#forget(program);
  }

  #forget(program: string): void {
    if (this.#runs.delete(program)) this.#witness.tell({ do: "forget", program });
  }

  #receive(message: Msg): void {
    let command: Command;
    try {
      command = fromBytes<Command>(message.data);
    } catch (error) {
      return void message.respond(toBytes(errorReply(error)));
    }
    this.#heard.set(command.notebook, Date.now());
    if (command.do === "clock") return void message.respond(toBytes({ ok: this.#clock() })); // at once: its time counts
    const inTurn = command;
    this.#queue = this.#queue.then(() => this.#answer(inTurn, message)); // in the order in which they came
  }

  async #answer(command: Exclude<Command, { do: "clock" }>, message: Msg): Promise<void> {
    let reply: Reply;
    try {
      reply = { ok: (await this.#obey(command)) ?? null };
    } catch (error) {
      reply = errorReply(error);
    }
    if (!this.#connection.isClosed()) message.respond(toBytes(reply));
  }

  async #obey(command: Exclude<Command, { do: "clock" }>): Promise<unknown> {
    if (command.do === "load" || command.do === "probe") return this.#load(command);
    if (command.do === "part") return this.#blobs.part(command.blob, command.from);
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
        return run.attach(command.options);
      case "detach":
        return run.detach();
      case "set":
        return run.set(command.values);
      case "start": {
        const subject = subjects.events(this.name, command.program, command.ring, command.feed);
        const sending = { subject, outbox: this.#outbox, clock: this.#clock };
        const { program, ring } = command;
        const begun = (baseline: Baseline) => this.#witness.tell({ do: "begin", program, ring, subject, baseline });
        return run.start(ring, () => new Feed(run, ring, command.feed, sending, begun));
      }
      case "stop":
        if (run.isFeeding(command.ring, command.feed))
          this.#witness.tell({ do: "end", program: command.program, ring: command.ring });
        return run.stop(command.ring, command.feed);
      case "totals":
        return run.totals(command.ring);
      case "table":
        return this.#table(run.table(command.map, command.options));
      case "put":
        return run.map(command.map).set(command.key, command.value);
      case "delete":
        return run.map(command.map).delete(command.key);
    }
  }

  async #table(table: ColumnTable): Promise<Blob> {
    const capture = captureOf(table);
    return { ...this.#blobs.add(await packTable(table)), ...(capture ? { capture } : {}) };
  }

  async #load(command: Command & { do: "load" | "probe" }): Promise<Loaded> {
    const { notebook, program } = command;
    const before = this.#runs.get(program);
    if (before && before.notebook !== notebook)
      throw new BpflabError("FLEET", `${this.name} runs ${program} for another notebook.`, {
        hint: "Close it there first.",
      });
    const run = new AgentRun(notebook, await this.#loaded(command), this.#bufferBytes);
    this.#runs.set(program, run);
    this.#witness.tell({ do: "watch", program, rings: run.watched() });
    return run.describe();
  }

  async #loaded(command: Command & { do: "load" | "probe" }): Promise<BpfObject | Run> {
    if (command.do === "probe") {
      this.#sources.requireSource("a probe");
      const { question, options, params } = command.asked;
      return Probe.make(question, options, params).loadRun();
    }
    const { program, source, globals, constants, maxEntries } = command;
    const compiled = await this.#sources.compile(program, source);
    this.#end(program); // its counts would be those of a handle that is no more
    return load(compiled, { globals, constants, maxEntries: maxEntries as Record<string, number> });
  }
}

type AgentOptionsInUse = Pick<AgentOptions, "name" | "leaseSeconds" | "bufferBytes" | "cpu" | "clock">;
