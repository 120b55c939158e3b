import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { ResultPromise } from "execa";
import { BpflabError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import { makeScratch } from "../base/scratch.js";
import type { Peer } from "../net/peer.js";
import { playground, type Playground } from "../net/playground.js";
import { requireHostName } from "./protocol.js";
import { FleetServer } from "./server.js";

/** The command that runs `bpflab`. */
const COMMAND = fileURLToPath(new URL("../cli/main.js", import.meta.url));

/** What a trial's hosts are. */
export interface TrialOptions {
  /** Names of the hosts; default web-1, web-2 and db-1. */
  hosts?: readonly string[];
}

interface TrialParts {
  server: FleetServer;
  hosts: Readonly<Record<string, Peer>>;
  /** Rejects when an agent ends by itself. */
  failed: Promise<never>;
  end: () => Promise<void>;
}

/**
 * A fleet on this machine, for a trial: a server, and hosts that are network namespaces, each with an agent of its own.
 * They share the kernel: a program for system calls sees those of all, one for the network those of its host.
 */
export class Trial {
  /** What `connectFleet` takes. */
  readonly url: string;
  /** The file with a notebook's credentials. */
  readonly creds: string;
  /** The hosts by name: `trial.hosts["web-1"].ping({ to: trial.hosts["db-1"].ipv4 })`. */
  readonly hosts: Readonly<Record<string, Peer>>;
  /** @internal rejects when an agent ends by itself */
  readonly failed: Promise<never>;
  readonly #end: () => Promise<void>;
  #ended: Promise<void> | undefined;

  private constructor({ server, hosts, failed, end }: TrialParts) {
    this.url = server.url;
    this.creds = server.credentials("notebook");
    this.hosts = hosts;
    this.failed = failed;
    this.#end = end;
  }

  /** @internal use `tryFleet` */
  static make(parts: TrialParts): Trial {
    return new Trial(parts);
  }

  /** Ends the agents and the server, and removes the hosts. Idempotent. */
  close(): Promise<void> {
    return (this.#ended ??= this.#end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    const lines = Object.entries(this.hosts).map(([name, { ipv4 }]) => `  ${name.padEnd(10)}${ipv4}`);
    return [`Fleet for a trial at ${this.url}${this.#ended ? " [closed]" : ""}`, ...lines].join("\n");
  }
}

let running: Trial | undefined;

/** See `tryFleet`. */
export async function startTrial(options: TrialOptions = {}): Promise<Trial> {
  refuseUnknownOptions("tryFleet", options, ["hosts"]);
  const { hosts = ["web-1", "web-2", "db-1"] } = options;
  for (const name of hosts) requireHostName(name);
  await running?.close();
  const agents: ResultPromise[] = [];
  let server: FleetServer | undefined;
  let lab: Playground | undefined;
  const scratch = makeScratch("bpflab-fleet-");
  const end = async () => {
    for (const agent of agents) agent.kill("SIGTERM");
    await Promise.allSettled(agents);
    await server?.stop();
    lab?.close();
    await scratch.remove();
  };
  try {
    lab = await playground({ peers: hosts.length });
    server = new FleetServer({
      directory: scratch.directory,
      host: lab.ipv4,
      port: await freePort(lab.ipv4),
      agents: hosts,
    });
    await server.start();
    const peers = lab.peers;
    agents.push(...hosts.map((name, i) => startAgent(peers[i]!, server!, name)));
    const failed = Promise.race(agents.map((agent, i) => endOf(agent, hosts[i]!)));
    failed.catch(() => {});
    await Promise.race([failed, Promise.all(agents.map((agent) => once(agent.stdout!, "data")))]);
    const byName = Object.fromEntries(hosts.map((name, i) => [name, peers[i]!]));
    return (running = Trial.make({ server, hosts: byName, failed, end }));
  } catch (error) {
    await end();
    throw error;
  }
}

function startAgent(peer: Peer, server: FleetServer, name: string): ResultPromise {
  const options = ["--connect", server.url, "--creds", server.credentials(name), "--name", name, "--allow-source"];
  // A group of its own: Ctrl-C is for us, who end it.
  return peer.run(process.execPath, [COMMAND, "agent", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

async function endOf(agent: ResultPromise, name: string): Promise<never> {
  const error = await agent.then(
    () => undefined,
    ({ stderr }: { stderr?: string }) => stderr?.trim().split("\n").at(-1),
  );
  throw new BpflabError("FLEET", `The agent of ${name} has ended${error ? `: ${error}` : "."}`);
}

/** A port that nobody listens on at this moment. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
