import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createUser } from "@nats-io/nkeys";
import { execa, type ResultPromise } from "execa";
import { BpflabError, MissingFeatureError } from "../base/errors.js";
import { subjects } from "./protocol.js";

export interface ServerOptions {
  /** A directory of its own, which nobody else can read: for its configuration, what it stores, and the credentials. */
  directory: string;
  /** The address that it listens on. */
  host: string;
  port: number;
  /** The names of the hosts that get credentials. */
  agents: readonly string[];
  /** Files with its certificate and the key to it, for TLS. */
  tls?: { cert: string; key: string };
}

/** A NATS server with JetStream, and credentials for one notebook and for each agent. */
export class FleetServer {
  readonly url: string;
  readonly #directory: string;
  #child: ResultPromise | undefined;

  constructor({ directory, host, port, agents, tls }: ServerOptions) {
    this.url = `${tls ? "tls" : "nats"}://${host}:${port}`;
    this.#directory = directory;
    const users = [
      { nkey: this.#newKey("notebook"), permissions: notebookPermissions },
      ...agents.map((name) => ({ nkey: this.#newKey(name), permissions: agentPermissions(name) })),
    ];
    const configuration = {
      listen: `${host}:${port}`,
      jetstream: { store_dir: join(directory, "jetstream"), max_memory_store: 0, max_file_store: 2 ** 30 },
      authorization: { users },
      ...(tls ? { tls: { cert_file: tls.cert, key_file: tls.key } } : {}),
    };
    writePrivate(this.#configuration, JSON.stringify(configuration, null, 2)); // its format takes JSON
  }

  get #configuration(): string {
    return join(this.#directory, "nats-server.conf");
  }

  /** The file with the credentials of an agent, or of the `notebook`. */
  credentials(name: string): string {
    return join(this.#directory, `${name}.nk`);
  }

  #newKey(name: string): string {
    const pair = createUser();
    writePrivate(this.credentials(name), Buffer.from(pair.getSeed()).toString("latin1"));
    return pair.getPublicKey();
  }

  /**
   * Starts it, also again. It ends with this process, whatever ends that.
   *
   * @throws MissingFeatureError without nats-server; BpflabError when it does not start
   */
  async start(): Promise<void> {
    const log = join(this.#directory, "nats-server.log");
    const args = ["--pdeathsig", "KILL", "nats-server", "--config", this.#configuration, "--log", log];
    // A group of its own: Ctrl-C is for us, who end it when the agents have ended.
    const child = execa("setpriv", args, { reject: false, stdio: "ignore", detached: true });
    this.#child = child;
    let ended = false;
    void child.then(() => (ended = true));
    for (const end = Date.now() + 15_000; Date.now() < end && !ended; await delay(20))
      if (await this.#answers()) return;
    const { exitCode } = ended ? await child : { exitCode: undefined };
    await this.stop();
    if (exitCode === 127)
      throw new MissingFeatureError("nats-server", "There is no nats-server on this machine.", {
        hint: "Debian has it in the package nats-server.",
      });
    throw new BpflabError("FLEET", `nats-server does not start at ${this.url}.`, { hint: `Its log is ${log}.` });
  }

  /** The server greets whoever connects; true once it does. */
  #answers(): Promise<boolean> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      const done = (answers: boolean) => (socket.destroy(), resolve(answers));
      socket.setTimeout(1000, () => done(false));
      socket.once("data", () => done(true)).once("error", () => done(false));
    });
  }

  /** The process, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends it. Idempotent. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#child?.kill(signal);
    await this.#child;
    this.#child = undefined;
  }
}

interface Permissions {
  publish: string[];
  subscribe: string[];
  allow_responses?: true;
}

/** A notebook commands, and reads the stream; events it cannot make up. */
const notebookPermissions: Permissions = {
  publish: [subjects.ask, subjects.command("*"), "$JS.API.>", "$JS.ACK.>"],
  subscribe: [subjects.hello("*"), "_INBOX_notebook.>"],
};

/** An agent speaks for its own host only, obeys a notebook, and can read no events. */
const agentPermissions = (name: string): Permissions => ({
  publish: [subjects.hello(name), subjects.events(name, "*", "*", "*")],
  subscribe: [subjects.ask, subjects.command(name), `_INBOX_${name}.>`],
  allow_responses: true,
});

function writePrivate(path: string, text: string): void {
  const file = openSync(path, "wx", 0o600);
  writeFileSync(file, text);
  closeSync(file);
}
