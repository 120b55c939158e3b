import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import {
  aq,
  captureOf,
  charts,
  collect,
  connectFleet,
  type Fleet,
  type FleetObject,
  toDate,
  tryFleet,
} from "../../dist/api/index.js";
import { rounds } from "../reliability/seeded.js";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";
import { rowOf, TestFleet } from "./fleet.js";
import { writesProgram } from "./writes-program.js";

const rowsOf = (table: aq.ColumnTable) => table.objects() as Record<string, any>[];

/** That what was produced is where the account says, to the last record. */
function assertExact(account: aq.ColumnTable, hosts: readonly string[]): void {
  for (const host of [...hosts, "all"]) {
    const { host: _, produced, ...parts } = rowOf(account, host);
    const sum = Object.values(parts).reduce((total: number, count) => total + (count as number), 0);
    assert.equal(produced, sum, JSON.stringify(rowOf(account, host)));
  }
}

const chartOf = (table: aq.ColumnTable) => JSON.stringify(charts.timeline(table as never, { by: "host" as never }));

/** Rows of a workload, by host. */
const perHost = (table: aq.ColumnTable) =>
  rowsOf(
    table
      .filter((d: any) => d.fd > 2)
      .groupby("host")
      .count()
      .orderby("host"),
  ).map(({ host, count }) => [host, count] as const);

describe("faults", () => {
  let lab: TestFleet;
  let writers: Awaited<ReturnType<typeof buildWriters>>;
  let directory: string;
  const owned = childrenUntil(afterEach);
  before(async () => {
    writers = await buildWriters();
    directory = await mkdtemp(join(tmpdir(), "bpflab-faults-"));
    lab = await TestFleet.start(["web-1", "web-2"]);
  });
  after(async () => {
    await lab?.end();
    await writers.remove();
    await rm(directory, { recursive: true });
  });

  /** A notebook of its own that collects until it gets a line, and tells what it has. */
  async function notebookOf(pid: number): Promise<{ child: ReturnType<typeof spawn>; told: Promise<any> }> {
    const code = `
      import { once } from "node:events";
      import { captureOf, charts, collect, connectFleet } from ${JSON.stringify(new URL("../../dist/api/index.js", import.meta.url).href)};
      const fleet = await connectFleet(${JSON.stringify(lab.url)}, { creds: ${JSON.stringify(lab.creds)} });
      const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: ${pid} } });
      await ringbuf.attach();
      const table = await collect(ringbuf.events("rb"), { until: () => {
        console.log("ready");
        return once(process.stdin, "data");
      }});
      const counts = table.filter((d) => d.fd > 2).groupby("host").count().orderby("host").objects();
      const chart = JSON.stringify(charts.timeline(table, { by: "host" }));
      console.log(JSON.stringify({ counts, account: (await ringbuf.account("rb")).objects(), capture: captureOf(table), chart }));
      await fleet.close();
      process.stdin.destroy();`;
    const child = owned(
      spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["pipe", "pipe", "inherit"] }),
    );
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    await until("the notebook reads", () => text.includes("ready\n") || child.exitCode !== null);
    const told = once(child, "close").then(() => JSON.parse(text.trim().split("\n").at(-1)!));
    return { child, told };
  }

  test("a notebook that is stopped for a while loses nothing, and says so", async () => {
    const job = writers.start({ writes: 20_000, burst: { writes: 500, pause_us: 40_000 } });
    const { child, told } = await notebookOf(job.pid);
    const run = job.run();
    await sleep(200);
    child.kill("SIGSTOP");
    await sleep(rounds(2500, 60_000));
    child.kill("SIGCONT");
    await run;
    child.stdin!.write("end\n");
    const { counts, account, capture, chart } = await told;
    assert.deepEqual(
      counts.map((one: any) => one.count),
      [20_000, 20_000],
    );
    assert.deepEqual([capture.lost, capture.dropped], [0, 0]);
    assertExact(aq.from(account), lab.names);
    const note = /This notebook stood still for \d+ s until \d\d:\d\d:\d\d UTC\./;
    assert.match(chart, note);
  });

  test("programs of a notebook that is silent too long are taken off, and it learns how they stood", async () => {
    await lab.endAgent("web-2");
    await lab.startAgent("web-2", "--lease", "2");
    const job = writers.start({ writes: 20_000, burst: { writes: 250, pause_us: 50_000 } }); // four seconds and more
    const { child, told } = await notebookOf(job.pid);
    const run = job.run();
    await sleep(200);
    child.kill("SIGSTOP");
    await run;
    child.kill("SIGCONT");
    child.stdin!.write("end\n");
    const { counts, account, capture, chart } = await told;
    assert.equal(counts[0].count, 20_000);
    assert.ok(counts[1].count > 0 && counts[1].count < 20_000, counts[1].count);
    assertExact(aq.from(account), lab.names);
    assert.deepEqual([capture.lost, capture.dropped], [0, 0]);
    assert.match(chart, /web-2 sends no more: it heard nothing from this notebook for 2 s\./);
    await lab.endAgent("web-2");
    await lab.startAgent("web-2");
  });

  describe("with a notebook that goes on", () => {
    let fleet: Fleet;
    let ringbuf: FleetObject;
    before(async () => {
      fleet = await connectFleet(lab.url, { creds: lab.creds });
      ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: 0xffff_fff0 } });
      await ringbuf.attach();
    });
    after(() => fleet?.close());

    test("an agent that is stopped in order says how it stood", async () => {
      const job = writers.start({ writes: 5000 });
      await ringbuf.set({ watched_pid: job.pid });
      const table = await collect(ringbuf.events("rb"), {
        until: async () => {
          await job.run();
          assert.equal(await lab.endAgent("web-2"), 0);
        },
      });
      assert.deepEqual(perHost(table), [
        ["web-1", 5000],
        ["web-2", 5000],
      ]);
      const { lost, dropped } = captureOf(table)!;
      assert.deepEqual([lost, dropped], [0, 0]);
      assertExact(await ringbuf.account("rb"), lab.names);
      assert.match(chartOf(table), /web-2 sends no more: its agent was stopped\./);
    });

    test("a host with another clock: its times are ours, and how wrong it is stands on the chart", async () => {
      const shift_ns = 3_600_000_000_000; // it was started an hour earlier
      const ahead_ms = 95_000;
      await writeFile(join(directory, "shifted.bpf.c"), writesProgram(1024 * 1024));
      const code = `
        import { Agent } from ${JSON.stringify(new URL("../../dist/fleet/agent.js", import.meta.url).href)};
        import { readClock } from ${JSON.stringify(new URL("../../dist/fleet/host-clock.js", import.meta.url).href)};
        const clock = () => {
          const { monotonic_ns, wall_ms } = readClock();
          return { bootId: "another boot", monotonic_ns: monotonic_ns + ${shift_ns}, wall_ms: wall_ms + ${ahead_ms} };
        };
        await Agent.start(${JSON.stringify(lab.url)}, { creds: ${JSON.stringify(lab.server.credentials("web-2"))}, name: "web-2", programs: ${JSON.stringify(directory)}, clock });
        console.log("there");`;
      const agent = owned(
        spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] }),
      );
      await once(agent.stdout, "data");
      await lab.endAgent("web-1");
      await lab.startAgent("web-1", "--programs", directory);
      const later = await connectFleet(lab.url, { creds: lab.creds });
      try {
        const shifted = await later.load("shifted");
        await shifted.set({ shift_ns }, { only: ["web-2"] });
        await shifted.attach();
        const job = writers.start({ writes: 3000 });
        await shifted.set({ watched_pid: job.pid });
        const table = await collect(shifted.events("rb"), { until: () => job.run() });
        assert.deepEqual(perHost(table), [
          ["web-1", 3000],
          ["web-2", 3000],
        ]);
        // One kernel saw each write twice, so the times of both have to be the same.
        const timesOf = (host: string) =>
          rowsOf(table)
            .filter((row) => row["host"] === host && row["fd"] > 2)
            .map((row) => row["time_ns"] as number);
        const [one, two] = [timesOf("web-1"), timesOf("web-2")];
        const apart = Math.max(...one.map((time, i) => Math.abs(time - two[i]!)));
        assert.ok(apart < 100e6, `${apart} ns`);
        assert.ok(Math.abs(toDate(two[0]!, table).getTime() - Date.now()) < 60_000);
        const hosts = later.hosts();
        assert.ok(Math.abs(rowOf(hosts, "web-2")["clock_ahead_ms"] - ahead_ms) < 500);
        assert.ok(Math.abs(rowOf(hosts, "web-1")["clock_ahead_ms"]) < 500);
        assert.match(
          chartOf(table.rename({ time_ns: "start_ns" })),
          /The clock of web-2 is 9[45]\.\d s ahead; its times are aligned to this machine's/,
        );
        assertExact(await shifted.account("rb"), lab.names);
      } finally {
        await later.close();
      }
    });
  });
});

test("a network that is cut for a while loses nothing, and the chart says how late it came", async () => {
  const trial = await tryFleet({ hosts: ["web-1", "web-2"] });
  const writers = await buildWriters();
  try {
    const fleet = await connectFleet(trial.url, { creds: trial.creds });
    const job = writers.start({ writes: 20_000, burst: { writes: 400, pause_us: 40_000 } });
    const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: job.pid } });
    await ringbuf.attach();
    const cable = async (state: "up" | "down") =>
      execa("ip", ["-n", trial.hosts["web-1"]!.namespace.replace(/peer1$/, "switch"), "link", "set", "port1", state]);
    const table = await collect(ringbuf.events("rb"), {
      until: async () => {
        const run = job.run();
        await sleep(200);
        await cable("down");
        await sleep(rounds(3000, 10_000));
        await cable("up");
        await run;
      },
    });
    assert.deepEqual(perHost(table), [
      ["web-1", 20_000],
      ["web-2", 20_000],
    ]);
    const { lost, dropped } = captureOf(table)!;
    assert.deepEqual([lost, dropped], [0, 0]);
    assertExact(await ringbuf.account("rb"), ["web-1", "web-2"]);
    assert.match(chartOf(table), /The events of web-1 came up to \d+ s late\./);
    await fleet.close();
  } finally {
    await trial.close();
    await writers.remove();
  }
});
