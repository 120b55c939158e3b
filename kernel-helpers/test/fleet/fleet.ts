import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { execa, type ResultPromise } from "execa";
import { connectFleet, type Fleet, type FleetObject } from "../../dist/api/index.js";
import { FleetServer } from "../../dist/fleet/server.js";

const command = new URL("../../dist/cli/main.js", import.meta.url).pathname;

/** Files: a certificate, the key to it, and the authority that signed it. */
interface Certificate {
  ca: string;
  cert: string;
  key: string;
}

/** A server on loopback with agents, all of which `end` ends. */
export class TestFleet {
  readonly directory: string;
  readonly server: FleetServer;
  readonly names: readonly string[];
  readonly #agents = new Map<string, ResultPromise>();

  readonly #ca: string | undefined;

  private constructor(directory: string, port: number, names: readonly string[], tls?: Certificate) {
    this.directory = directory;
    this.names = names;
    this.#ca = tls?.ca;
    this.server = new FleetServer({ directory, host: "127.0.0.1", port, agents: names, ...(tls ? { tls } : {}) });
  }

  static async start(names: readonly string[], tls?: Certificate): Promise<TestFleet> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, "close");
    const fleet = new TestFleet(await mkdtemp(join(tmpdir(), "bpflab-test-fleet-")), port, names, tls);
    try {
      await fleet.server.start();
      await Promise.all(names.map((name) => fleet.startAgent(name)));
      return fleet;
    } catch (error) {
      await fleet.end();
      throw error;
    }
  }

  get url(): string {
    return this.server.url;
  }

  get creds(): string {
    return this.server.credentials("notebook");
  }

  /** Starts an agent, and waits until it says that it is there. */
  async startAgent(name: string, ...more: string[]): Promise<void> {
    const options = ["--connect", this.url, "--creds", this.server.credentials(name), "--name", name, ...more];
    if (this.#ca !== undefined) options.push("--ca", this.#ca);
    const agent = execa(process.execPath, [command, "agent", ...options], {
      reject: false,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#agents.set(name, agent);
    await Promise.race([once(agent.stdout!, "data"), agent.then(() => Promise.reject(new Error(`${name} ended`)))]);
  }

  async endAgent(name: string, signal: NodeJS.Signals = "SIGTERM"): Promise<number | undefined> {
    const agent = this.#agents.get(name)!;
    agent.kill(signal);
    return (await agent).exitCode;
  }

  agentPid(name: string): number {
    return this.#agents.get(name)!.pid!;
  }

  /** Processes that an agent has started. */
  childrenOf(name: string): number[] {
    const pid = this.agentPid(name);
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  }

  /** In order: a killed agent's witness would look for the server for a while. */
  async end(): Promise<void> {
    await Promise.all([...this.#agents.keys()].map((name) => this.endAgent(name)));
    await this.server.stop("SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A fleet, and the program ringbuf attached on all of its hosts, which watches nobody yet. */
export async function startWithRingbuf(
  names: readonly string[],
): Promise<{ lab: TestFleet; fleet: Fleet; ringbuf: FleetObject }> {
  const lab = await TestFleet.start(names);
  try {
    const fleet = await connectFleet(lab.url, { creds: lab.creds });
    const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: 0xffff_fff0 } });
    await ringbuf.attach();
    return { lab, fleet, ringbuf };
  } catch (error) {
    await lab.end();
    throw error;
  }
}

/** The row of a host in a table that has one for each. */
export const rowOf = (table: ColumnTable, host: string) =>
  (table.objects() as Record<string, any>[]).find((row) => row["host"] === host)!;
