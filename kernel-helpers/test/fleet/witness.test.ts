import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type aq,
  bpf,
  captureOf,
  charts,
  collect,
  connectFleet,
  type Fleet,
  type FleetObject,
} from "../../dist/api/index.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";
import { TestFleet } from "./fleet.js";
import { writesProgram } from "./writes-program.js";

describe("an agent that is killed", () => {
  let lab: TestFleet;
  let fleet: Fleet;
  let counted: FleetObject;
  let directory: string;
  let writers: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => {
    writers = await buildWriters();
    directory = await mkdtemp(join(tmpdir(), "bpflab-witness-"));
    await writeFile(join(directory, "counted.bpf.c"), writesProgram(64 * 1024)); // too small for them
    lab = await TestFleet.start(["web-1"]);
  });
  after(async () => {
    await fleet?.close();
    await lab?.end();
    await writers.remove();
    await rm(directory, { recursive: true });
  });

  /** What the program itself has counted, read from its memory, which this process holds. */
  function counterOf(pid: number): () => number {
    const maps = bpf.list().maps.objects() as Record<string, any>[];
    const { id } = maps.find((map) => map["name"].endsWith(".bss") && map["pids"].split(", ").includes(String(pid)))!;
    const map = bpf.map(id);
    return () => (map.entries()[0] as any)[1].tried;
  }

  const accountOf = async (host: string) =>
    (await counted.account("rb")).objects().find((row: any) => row.host === host) as Record<string, any>;

  async function killed(how: () => Promise<unknown>): Promise<{ table: aq.ColumnTable; tried: number }> {
    const job = writers.start({ writes: 400_000, burst: { writes: 2000, pause_us: 5000 } });
    await counted.set({ watched_pid: job.pid });
    const tried = counterOf(lab.agentPid("web-1"));
    let came = 0;
    const events = counted.events("rb");
    const counting = events.subscribe(({ rows }) => (came += rows));
    const table = await collect(events, {
      until: async () => {
        const run = job.run();
        await until("some came", () => came > 0);
        await how();
        await run;
      },
    });
    counting.unsubscribe();
    return { table, tried: tried() };
  }

  test("its witness says how it stood, to the last record", async () => {
    await lab.endAgent("web-1");
    await lab.startAgent("web-1", "--programs", directory);
    fleet = await connectFleet(lab.url, { creds: lab.creds });
    counted = await fleet.load("counted");
    await counted.attach();
    const { table, tried } = await killed(() => lab.endAgent("web-1", "SIGKILL"));
    const { produced, host: _, ...parts } = await accountOf("web-1");
    assert.equal(produced, tried);
    assert.equal(
      produced,
      Object.values(parts).reduce((sum, count) => sum + count, 0),
      JSON.stringify(parts),
    );
    assert.deepEqual([parts["delivered"], parts["in_flight"], parts["lost_in_transport"]], [table.numRows(), 0, 0]);
    const { rows, lost, dropped } = captureOf(table)!;
    assert.equal(rows + lost! + dropped, tried);
    const chart = JSON.stringify(charts.timeline(table.rename({ time_ns: "start_ns" }) as never));
    assert.match(chart, /web-1 sends no more: its agent was killed, or crashed, at \d\d:\d\d:\d\d UTC\./);
    assert.equal(captureOf(await fleet.past("counted.rb"))!.dropped, dropped);
  });

  test("together with its witness: what it lost is unknown from then on, and never a wrong number", async () => {
    await lab.startAgent("web-1", "--programs", directory);
    counted = await fleet.load("counted");
    await counted.attach();
    const { table } = await killed(async () => {
      for (const pid of lab.childrenOf("web-1")) process.kill(pid, "SIGKILL");
      await lab.endAgent("web-1", "SIGKILL");
    });
    const { rows, lost, lostUnknown } = captureOf(table)!;
    assert.ok(rows > 0);
    assert.equal(lost, undefined);
    assert.match(lostUnknown!, /^What web-1 lost since \d\d:\d\d:\d\d UTC is unknown: web-1 does not answer/);
    const account = await accountOf("web-1");
    assert.deepEqual([account["produced"], account["delivered"]], [null, rows]);
  });
});
