import { fileURLToPath } from "node:url";
import { createServer } from "node:net";
import type { ResultPromise } from "execa";
import { once } from "node:events";
import { BpflabError } from "../base/errors.js";
import { playground } from "../net/playground.js";
import { FleetServer } from "./server.js";

/** The command that runs `bpflab`. */
const command = fileURLToPath(new URL("../cli/main.js", import.meta.url));

export interface Trial {
  url: string;
  /** The file with a notebook's credentials. */
  creds: string;
  hosts: readonly string[];
  /** Rejects when an agent ends by itself. */
  failed: Promise<never>;
  /** Ends the agents and the server, and removes the hosts. Idempotent. */
  close(): Promise<void>;
}

/**
 * A fleet on this machine, for a trial: a server, and hosts that are network namespaces, each with an agent of its own.
 * They share the kernel: a program for system calls sees those of all, one for the network those of its host.
 *
 * @param directory one of its own, for credentials and what the server stores
 * @throws what making the hosts, the server and the agents throws; then nothing is left
 */
export async function runTrial(
  directory: string,
  names: readonly string[] = ["web-1", "web-2", "db-1"],
): Promise<Trial> {
  const lab = await playground({ peers: names.length });
  const agents: ResultPromise[] = [];
  let server: FleetServer | undefined;
  const close = async () => {
    for (const agent of agents) agent.kill("SIGTERM");
    await Promise.allSettled(agents);
    await server?.stop();
    lab.close();
  };
  try {
    server = new FleetServer({ directory, host: lab.ipv4, port: await freePort(lab.ipv4), agents: names });
    await server.start();
    for (const [i, name] of names.entries()) {
      const options = ["--connect", server.url, "--creds", server.credentials(name), "--name", name];
      agents.push(
        lab.peers[i]!.run(process.execPath, [command, "agent", ...options], {
          stdio: ["ignore", "pipe", "inherit"],
          detached: true,
        }),
      );
    }
    const failed = Promise.race(agents.map((agent, i) => endOf(agent, names[i]!)));
    failed.catch(() => {});
    await Promise.race([failed, Promise.all(agents.map((agent) => once(agent.stdout!, "data")))]);
    return { url: server.url, creds: server.credentials("notebook"), hosts: names, failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function endOf(agent: ResultPromise, name: string): Promise<never> {
  await agent.catch(() => {});
  throw new BpflabError("FLEET", `The agent of ${name} has ended.`);
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
