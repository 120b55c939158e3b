import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { firstValueFrom, take, toArray } from "rxjs";
import {
  type aq,
  capture,
  captureOf,
  charts,
  collect,
  connectFleet,
  type Fleet,
  latency,
  op,
  probe,
  type Trial,
  tryFleet,
  widgets,
} from "../../dist/api/index.js";
import { until } from "../workload/until.js";
import { buildWriters } from "../workload/writers.js";

const names = ["db-1", "web-1"];
const rowsOf = (table: aq.ColumnTable) => table.objects() as Record<string, any>[];

describe("what is asked of a program, asked of a fleet", () => {
  let trial: Trial;
  let fleet: Fleet;
  let writers: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => {
    writers = await buildWriters();
    trial = await tryFleet({ hosts: names });
    fleet = await connectFleet(trial.url, { creds: trial.creds });
  });
  after(async () => {
    await fleet?.close();
    await trial?.close();
    await writers.remove();
  });

  test("maps: sums of all hosts in one table, polled, written and deleted", async () => {
    const job = writers.start({ threads: 2, writes: 2000 });
    const stats = await fleet.load("stats", { globals: { watched_pid: job.pid } });
    await stats.attach();
    const [reports] = await Promise.all([
      job.run(),
      firstValueFrom(stats.maps["stats_map"]!.poll({ everyMs: 50 }).pipe(take(3), toArray())),
    ]);
    const table = await stats.maps["stats_map"]!.table();
    for (const host of names)
      for (const { fd, writes } of reports) {
        const row = rowsOf(table).find((one) => one["host"] === host && one["fd"] === fd)!;
        assert.deepEqual([row["pid"], row["writes"]], [job.pid, writes]);
      }
    assert.equal(captureOf(table)!.of, "entries");
    const merged = rowsOf(table.groupby("fd").rollup({ writes: op.sum("writes") as never }));
    for (const { fd, writes } of reports) assert.equal(merged.find((one) => one["fd"] === fd)!["writes"], 2 * writes);

    const key = { pid: job.pid, fd: reports[0]!.fd };
    const deleted = await stats.maps["stats_map"]!.delete(key, { only: ["web-*"] });
    assert.deepEqual(rowsOf(deleted), [{ host: "web-1", outcome: "done" }]);
    const left = rowsOf(await stats.maps["stats_map"]!.table()).filter((one) => one["fd"] === key.fd);
    assert.deepEqual(
      left.map(({ host }) => host),
      ["db-1"],
    );
    assert.throws(() => stats.maps["stat_map"], /has no map "stat_map"/);
    await assert.rejects(stats.maps["stats_map"]!.table({ only: ["x"] }), /No host is called x/);
    await stats.close();
    await assert.rejects(stats.maps["stats_map"]!.table(), /is closed/);
  });

  test("probes: events and sums, with a column host", async () => {
    const job = writers.start({ writes: 1500 });
    const calls = probe("tp/syscalls/sys_enter_write")
      .filter((d: any, $: any) => d.pid === $.watched && d.fd > 2)
      .params({ watched: job.pid });
    const [events, sums] = [fleet.probe(calls.select("pid", "fd")), fleet.probe(calls.groupby("fd").count())];
    let running: Promise<aq.ColumnTable> | undefined;
    const counted = await sums.collect({
      until: async () => {
        running = events.collect({ until: () => job.run() });
        await running;
      },
    });
    const seen = await running!;
    const perHost = (table: aq.ColumnTable) => rowsOf(table).map((row) => [row["host"], row["count"]]);
    assert.deepEqual(perHost(seen.groupby("host").count().orderby("host")), [
      ["db-1", 1500],
      ["web-1", 1500],
    ]);
    assert.deepEqual(captureOf(seen)!.lost, 0);
    assert.deepEqual(perHost(counted.orderby("host")), [
      ["db-1", 1500],
      ["web-1", 1500],
    ]);
    assert.throws(() => sums.events(), /sends no events/);
    await assert.rejects(sums.params({ other: 1 }), /has no parameter other/);
    await assert.rejects(
      fleet.probe(probe("tp/syscalls/sys_enter_write").filter((d: any) => d.nothing > 1)).collect({ seconds: 1 }),
      /No host loads the probe\. db-1: .*nothing/s,
    );
  });

  test("a slider moves a global on all hosts, and one that no host can hold is an error at once", async () => {
    const filter = await fleet.load("tc_icmp_filter");
    const slider = widgets.bind(filter.globals as { threshold: number }, "threshold", { min: 1, max: 500 });
    for (const value of [20, 30, 40]) slider.value = value;
    assert.equal(filter.globals["threshold"], 40);
    await until("all have it", async () =>
      rowsOf(await filter.applied()).every(({ value, outcome }) => value === 40 && outcome === "done"),
    );
    assert.throws(() => (filter.globals["threshold"] = -1), /threshold/);
    assert.throws(() => (filter.globals["mode"] = "filtre"), /filter/);
    await filter.set({ threshold: 5 }, { only: ["web-1"] });
    assert.equal(filter.globals["threshold"], undefined);
    await assert.rejects(filter.attach({ interface: "eth7", direction: "ingress", only: ["web-1"] }), /eth7/);
    await filter.close();
    assert.ok(!slider.closed);
  });

  test("a notebook that comes later reads what the server still holds", async () => {
    const job = writers.start({ writes: 2500 });
    const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: job.pid } });
    await ringbuf.attach();
    const live = await collect(ringbuf.events("rb"), { until: () => job.run() });
    await ringbuf.close();
    const later = await connectFleet(trial.url, { creds: trial.creds });
    try {
      const past = await later.past("ringbuf.rb", { since: "10 minutes ago" });
      const { rows, lost, dropped } = captureOf(past)!;
      assert.deepEqual([rows, lost, dropped], [live.numRows(), 0, 0]);
      const times = (table: aq.ColumnTable) => [...table.array("start_ns")].sort();
      assert.deepEqual(times(past), times(live));
      assert.deepEqual(
        rowsOf(latency.summary(past, { by: "host" as never }))
          .map(({ host, count }) => [host, count])
          .sort(),
        names.map((host) => [host, live.numRows() / 2]),
      );
      assert.equal((await later.past("ringbuf.rb", { only: ["web-*"] })).numRows(), live.numRows() / 2);
      await assert.rejects(
        later.past("ringbuf.rb", { since: new Date(Date.now() + 60_000) }),
        /holds nothing of ringbuf\.rb since then/,
      );
      await assert.rejects(later.past("ringbuf"), /Expected a ring such as "ringbuf\.rb"/);
    } finally {
      await later.close();
    }
  });

  test("what agents send is kept by ring, host and hour, once, and asked in SQL", async () => {
    const directory = await mkdtemp(join(tmpdir(), "bpflab-kept-"));
    const collectSome = async () => {
      const job = writers.start({ writes: 700 });
      const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: job.pid } });
      await ringbuf.attach();
      await collect(ringbuf.events("rb"), { until: () => job.run() });
      await ringbuf.close();
    };
    const count = async () =>
      rowsOf(
        await capture.query(
          join(directory, "ringbuf.rb"),
          "select host, count(*)::int as events, count(distinct start_ns)::int as times, min(time) as since from events where fd > 2 group by host order by host",
        ),
      );
    const held = async () => {
      const past = await fleet.past("ringbuf.rb");
      return rowsOf(
        past
          .filter((d: any) => d.fd > 2)
          .groupby("host")
          .count()
          .orderby("host"),
      );
    };
    try {
      await collectSome();
      for (const round of [1, 2]) {
        const keeper = await fleet.keep(directory);
        if (round === 2) await collectSome();
        const wanted = (await held()).map(({ host, count }) => [host, count]);
        await until("all is kept", async () => {
          await keeper.flush();
          const kept = existsSync(join(directory, "ringbuf.rb")) ? await count() : [];
          return JSON.stringify(kept.map(({ host, events }) => [host, events])) === JSON.stringify(wanted);
        });
        await keeper.close();
        for (const { events, times, since } of await count()) {
          assert.equal(times, events);
          assert.ok(Math.abs(since.getTime() - Date.now()) < 600_000, since);
        }
        const files = readdirSync(directory, { recursive: true })
          .map(String)
          .filter((file) => file.endsWith(".parquet"));
        for (const file of files)
          assert.match(file, /^\w+\.\w+\/host=(db|web)-1\/hour=\d{4}-\d\d-\d\dT\d\d\/\d+-\d+\.parquet$/);
        const file = files.find((one) => one.startsWith("ringbuf.rb/"))!;
        assert.equal(captureOf(await capture.open(join(directory, file)))!.lost, 0);
        // A write that was cut short: its position was not written, so its events come again.
        await copyFile(join(directory, file), join(directory, dirname(file), "900000000-900000001.parquet"));
      }
      await assert.rejects(capture.query(directory, "select nothing"), /DuckDB cannot answer: .*nothing/);
      await assert.rejects(capture.query("/nowhere", "select 1"), /is not there/);
      const url = "s3://kept/fleet";
      for (const ask of [() => fleet.keep(url), () => capture.query(url, "select 1")])
        await assert.rejects(ask, /s3:\/\/kept\/fleet[^]*Mount/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("its tables are drawn live, saved, opened again and summarised like any other, with a column host", async () => {
    const directory = await mkdtemp(join(tmpdir(), "bpflab-saved-"));
    try {
      const job = writers.start({ writes: 3000 });
      const ringbuf = await fleet.load("ringbuf", { globals: { watched_pid: job.pid } });
      await ringbuf.attach();
      const stream = ringbuf.events("rb");
      let drawn: aq.ColumnTable | undefined;
      const view = charts.live(stream, (table: any) => charts.timeline((drawn = table), { by: "host" }), { fps: 20 });
      const table = (await collect(stream, { until: () => job.run() })) as aq.ColumnTable;
      await view.stop();
      await ringbuf.close();
      assert.equal(view.error, undefined);
      assert.equal(drawn!.numRows(), table.numRows());
      const capture_ = captureOf(table)!;
      const { host, droppedAs, lost, dropped } = captureOf(drawn!)!;
      assert.deepEqual([host, droppedAs, lost, dropped], [capture_.host, capture_.droppedAs, 0, 0]);

      const path = join(directory, "writes.parquet");
      await capture.save(table as never, path);
      const opened = (await capture.open(path)) as aq.ColumnTable;
      assert.equal(captureOf(opened)!.host, "db-1 and web-1");
      const byHost = (one: aq.ColumnTable) => rowsOf(latency.summary(one, { by: "host" as never }));
      assert.deepEqual(byHost(opened), byHost(table));
      assert.deepEqual(
        byHost(table).map(({ count }) => count),
        names.map(() => table.numRows() / 2),
      );
      const heatmap = charts.heatmap(table as never, { x: "start_ns" as never, y: "duration_ns" as never });
      assert.match(JSON.stringify(heatmap), /rect/);
      for (const name of names)
        assert.match(
          JSON.stringify(charts.histogram(table as never, { x: "duration_ns", by: "host" } as never)),
          new RegExp(name),
        );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
