import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { captureOf, collect, connectFleet } from "../../dist/api/index.js";
import { lossNote } from "../../dist/streams/capture.js";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";
import { TestFleet } from "./fleet.js";

const command = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const owned = childrenUntil(afterEach);

test("an agent whose server stands still holds no more than its bound, and counts what it drops", async () => {
  const lab = await TestFleet.start(["web-1"]);
  const writers = await buildWriters();
  try {
    await lab.endAgent("web-1");
    await lab.startAgent("web-1", "--memory", "1");
    const fleet = await connectFleet(lab.url, { creds: lab.creds });
    const writes = 150_000; // in columns of eight bytes some 8 MiB
    const job = writers.start({ writes, burst: { writes: 5000, pause_us: 20_000 } });
    const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: job.pid } });
    await ringbuf.attach();
    const residentOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
    const table = await collect(ringbuf.events("rb"), {
      until: async () => {
        const before = residentOf(lab.agentPid("web-1"));
        process.kill(lab.server.pid!, "SIGSTOP");
        try {
          await job.run();
          assert.ok(residentOf(lab.agentPid("web-1")) - before < 200 * 1024, "it holds what it should have dropped");
        } finally {
          process.kill(lab.server.pid!, "SIGCONT");
        }
      },
    });
    const { rows, lost, dropped } = captureOf(table)!;
    assert.ok(dropped > 0 && rows > 0, JSON.stringify({ rows, dropped }));
    assert.match(lossNote(captureOf(table))!, /dropped at an agent's memory bound/);
    const all = (await ringbuf.account("rb")).objects().find((row: any) => row.host === "all") as Record<string, any>;
    assert.deepEqual([all["dropped_at_agent"], all["delivered"], all["in_flight"]], [dropped, rows, 0]);
    assert.equal(all["produced"], rows + dropped + lost!);
    assert.ok(rows + dropped + lost! >= writes);
    await fleet.close();
  } finally {
    await lab.end();
    await writers.remove();
  }
});

test("an agent says when its server has no permissions that keep agents apart", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  const directory = await mkdtemp(join(tmpdir(), "bpflab-open-"));
  try {
    const options = ["--jetstream", "--addr", "127.0.0.1", "--port", String(port), "--store_dir", directory];
    const server = owned(spawn("nats-server", options, { stdio: ["ignore", "ignore", "pipe"] }));
    let log = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    await until("the server is ready", () => log.includes("Server is ready"));
    const agent = owned(
      spawn(process.execPath, [command, "agent", "--connect", `nats://127.0.0.1:${port}`, "--name", "web-1"], {
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    let said = "";
    for (const stream of [agent.stdout, agent.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
    await until("the agent is there", () => said.includes("is in the fleet"));
    assert.match(said, /has no permissions that keep agents apart: whoever reaches it can load programs here as root/);
    agent.kill("SIGTERM");
    await once(agent, "close");
    server.kill("SIGTERM");
    await once(server, "close");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
