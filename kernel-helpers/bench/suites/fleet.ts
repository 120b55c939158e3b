import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import {
  bpf,
  captureOf,
  charts,
  collect,
  connectFleet,
  type CollectOptions,
  type EventBatch,
} from "../../dist/api/index.js";
import { FleetServer } from "../../dist/fleet/server.js";
import type { Observable } from "rxjs";
import { Peer } from "../peers.js";
import { figure, type Figures, type Suite } from "../suite.js";

const AGENTS = 8;
const SECONDS = 5;
const PER_SECOND = 25_000;
const RECORD_BYTES = 48;

const LOCAL = "one local ring buffer";
const ONE = "one agent";
const ALL = `${AGENTS} agents`;
const DRAWN = `${AGENTS} agents, drawn`;

/** Writes a byte so often a second, in bursts of a hundredth of a second, once it gets a line. */
const WORKLOAD = `$| = 1; open(F, ">", "/dev/null") or die; print "ready\\n"; <STDIN>;
  use Time::HiRes qw(time sleep); my $begun = time;
  for my $burst (1 .. ${SECONDS * 100}) {
    syswrite(F, "x") for 1 .. ${PER_SECOND / 100};
    my $rest = $begun + $burst / 100 - time; sleep($rest) if $rest > 0;
  }`;

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** CPU time of processes until now, in seconds (proc(5): utime and stime, in hundredths). */
const cpuOf = (pids: readonly number[]): number =>
  pids
    .map((pid) =>
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" "),
    )
    .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) / 100, 0);

/** Many hosts beside one: the agents are on this machine and see the same writes, each in a ring of its own. */
export const fleet: Suite = {
  name: "fleet",
  title: `${(PER_SECOND * AGENTS).toLocaleString("en")} events a second through ${AGENTS} agents and a NATS server to one notebook, all on this machine`,
  rounds: 3,
  async prepare(scratch) {
    const names = Array.from({ length: AGENTS }, (_, i) => `host-${i + 1}`);
    const server = new FleetServer({ directory: scratch, host: "127.0.0.1", port: await freePort(), agents: names });
    await server.start();
    const starting = await Promise.allSettled(
      names.map((name) => {
        const options = ["--connect", server.url, "--creds", server.credentials(name), "--name", name];
        return Peer.start([process.execPath, cli, "agent", ...options], { ready: /is in the fleet/, seconds: 600 });
      }),
    );
    const agents = starting.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    if (agents.length < AGENTS) {
      await Promise.all(agents.map((agent) => agent.end("SIGTERM")));
      await server.stop();
      throw new Error("Not all agents started.");
    }
    const notebook = await connectFleet(server.url, { creds: server.credentials("notebook") });
    const admin = await connect({
      servers: server.url,
      authenticator: nkeyAuthenticator(readFileSync(server.credentials("notebook"))),
      inboxPrefix: "_INBOX_notebook",
    });
    const manager = await jetstreamManager(admin);
    const stored = async () => (await manager.streams.info("bpflab")).state.bytes;

    /** Collects the writes of the workload, which `watch` is told. */
    async function take(
      stream: Observable<EventBatch>,
      watch: (pid: number) => unknown,
      agentPids: readonly number[],
      isDrawn = false,
    ): Promise<Figures> {
      const workload = await Peer.start(["perl", "-e", WORKLOAD]);
      await watch(workload.child.pid!);
      const pids = { agents: agentPids, server: [server.pid!] };
      let before = { agents: 0, server: 0, notebook: process.cpuUsage(), stored: 0 };
      const until: CollectOptions["until"] = async () => {
        before = {
          agents: cpuOf(pids.agents),
          server: cpuOf(pids.server),
          notebook: process.cpuUsage(),
          stored: await stored(),
        };
        workload.child.stdin!.write("go\n");
        await workload.end();
      };
      let frames = 0;
      const draw = (table: Parameters<typeof charts.timeline>[0]) => (frames++, charts.timeline(table, { by: "host" }));
      const view = isDrawn ? charts.live(stream, draw as never) : undefined;
      const table = await collect(stream, { until });
      await view?.stop();
      const { user, system } = process.cpuUsage(before.notebook);
      const { rows, lost, dropped, startedAt, endedAt } = captureOf(table)!;
      const millions = rows / 1e6;
      const bytes = (await stored()) - before.stored;
      return {
        events: rows,
        lost: lost! + dropped,
        events_per_s: rows / ((endedAt - startedAt) / 1000),
        notebook_s_per_million: (user + system) / 1e6 / millions,
        ...(isDrawn ? { frames_per_s: frames / SECONDS } : {}),
        ...(agentPids.length > 0
          ? {
              agent_s_per_million: (cpuOf(pids.agents) - before.agents) / millions,
              server_s_per_million: (cpuOf(pids.server) - before.server) / millions,
              wire_bytes_per_event: bytes / rows,
            }
          : {}),
      };
    }

    const through = (name: string, count: number, isDrawn = false) => ({
      name,
      run: async (): Promise<Figures> => {
        const ringbuf = await notebook.load("ringbuf", {
          only: names.slice(0, count),
          globals: { watched_pid: 0xffff_fff0 },
        });
        try {
          await ringbuf.attach();
          const pids = agents.slice(0, count).map(({ child }) => child.pid!);
          return await take(ringbuf.events("rb"), (pid) => ringbuf.set({ watched_pid: pid }), pids, isDrawn);
        } finally {
          await ringbuf.close();
        }
      },
    });
    return {
      ways: [
        {
          name: LOCAL,
          run: async (): Promise<Figures> => {
            const ringbuf = await bpf.load("ringbuf", { globals: { watched_pid: 0xffff_fff0 } });
            try {
              await ringbuf.attach();
              return await take(ringbuf.events("rb"), (pid) => (ringbuf.globals.watched_pid = pid), []);
            } finally {
              ringbuf.close();
            }
          },
        },
        through(ONE, 1),
        through(ALL, AGENTS),
        through(DRAWN, AGENTS, true),
      ],
      close: async () => {
        await notebook.close();
        await admin.close();
        await Promise.all(agents.map((agent) => agent.end("SIGTERM")));
        await server.stop();
      },
    };
  },
  goals: [
    { text: "events lost", of: (medians) => figure(medians, DRAWN, "lost"), atMost: 0 },
    {
      text: "bytes an event on the wire, as a ratio to the record's",
      of: (medians) => figure(medians, ALL, "wire_bytes_per_event") / RECORD_BYTES,
      atMost: 0.5,
    },
  ],
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await delay(10);
  return port;
}
