import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { execa } from "execa";
import {
  aq,
  bpf,
  captureOf,
  collect,
  latency,
  type BpfObject,
  type EventTable,
  type ShippedPrograms,
} from "../../dist/api/index.js";
import { tableText } from "../../dist/tables/plain.js";
import { buildWriters } from "../workload/writers.js";

type Write = ShippedPrograms["ringbuf"]["events"]["rb"];
type StatsRecord = ShippedPrograms["stats"]["events"]["rb"];

/** A function whose first call decides what all return. */
function once<T>(act: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: act() }).value;
}

/**
 * The shipped program, which also sends each write as ringbuf.bpf.c does: the very durations that it adds up.
 * (The program ringbuf beside it measures the same writes a little earlier or later.)
 */
async function statsWithEvents(globals: Record<string, number> = {}): Promise<BpfObject> {
  const file = new URL("../../../bpf/stats.bpf.c", import.meta.url);
  const inBpf = (name: string) => JSON.stringify(new URL(name, file).pathname);
  const source = (await readFile(file, "utf8"))
    .replace('#include "stats.h"', `#include ${inBpf("stats.h")}\n#include ${inBpf("ringbuf.h")}`)
    .replace("RING_BUFFER(rb,", "RING_BUFFER(each, struct rb_event, 64 * 1024 * 1024);\nRING_BUFFER(rb,")
    .replace(
      "\tbegun->ts = 0;\n\tthread_storage_done(begun_map);\n\treturn 0;\n}\n",
      `
	struct rb_event *event = event_reserve(each);
	if (event) {
		event->start_ns = begun->ts;
		event->duration_ns = now - begun->ts;
		event->pid = key.pid;
		event->tid = bpf_get_current_pid_tgid();
		event->fd = key.fd;
		event->ret = syscall_result(ctx);
		event_submit(each, event);
	}
	begun->ts = 0;
	return 0;
}
`,
    );
  assert.match(source, /event_reserve\(each\)/);
  return (await bpf.load(await bpf.compile(source, { name: "stats_with_events" }), { globals })).attach();
}

/** Events of one descriptor, as arrays. */
function eventsOf(
  events: EventTable<Write>,
  pid: number,
  fd: number,
): { end: number[]; duration: number[]; ret: number[] } {
  const [pids, fds, starts, durations, rets] = (["pid", "fd", "start_ns", "duration_ns", "ret"] as const).map(
    (name) => events.array(name) as ArrayLike<number>,
  );
  const rows = Array.from({ length: events.numRows() }, (_, row) => row).filter(
    (row) => pids![row] === pid && fds![row] === fd,
  );
  return {
    end: rows.map((row) => starts![row]! + durations![row]!),
    duration: rows.map((row) => durations![row]!),
    ret: rows.map((row) => rets![row]!),
  };
}

const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

describe("stats, computed in the kernel", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  afterEach(() => bpf.closeAll());
  after(() => workload.remove());

  test("8 threads that make 50,000 writes each to one descriptor count 400,000", async () => {
    const stats = await (await bpf.load("stats")).attach();
    const writers = workload.start({ threads: 8, writes: 50_000, bytes: 3, shared: true });
    const { fd } = (await writers.run())[0]!;
    const value = stats.maps.stats_map.getSummed({ pid: writers.pid, fd })!;
    assert.equal(value.writes, 400_000);
    assert.equal(value.asked_bytes, 1_200_000);
    assert.equal(value.written_bytes, 1_200_000);
    assert.equal(value.errors, 0);
    assert.equal(sum(value.histogram), 400_000);
    assert.equal(value.comm, "writers");
    assert.ok(value.min_ns > 0 && value.min_ns <= value.max_ns);
    assert.equal(sum(stats.maps.stats_map.get({ pid: writers.pid, fd })!.map((share) => share.writes)), 400_000);
    const row = stats.maps.stats_map
      .table()
      .filter(aq.escape((d: { pid: number; fd: number }) => d.pid === writers.pid && d.fd === fd));
    assert.equal(row.numRows(), 1);
    assert.deepEqual(
      { ...row.object(), histogram: value.histogram },
      { pid: writers.pid, fd, ...value },
      "the table says the same",
    );
    assert.deepEqual(
      [...(row.get("histogram", 0) as unknown as ArrayLike<number> & Iterable<number>)],
      value.histogram,
    );
    assert.equal(stats.globals.stats_map_lost, 0);
  });

  test("sums, extremes and histogram equal those of the events of the same run, errors too", async () => {
    const stats = await statsWithEvents();
    const writers = workload.start({ threads: 4, writes: 20_000, bytes: 7, shared: true });
    let failing = 0;
    const done = once(async () => {
      const shell = execa("sh", ["-c", "for i in $(seq 30); do echo nowhere > /dev/full; done; exit 0"], {
        stdio: "ignore",
      });
      failing = shell.pid!;
      return (await Promise.all([writers.run(), shell]))[0];
    });
    const events = (await collect(stats.events("each"), { until: done })) as unknown as EventTable<Write>;
    const { fd } = (await done())[0]!;
    assert.equal(captureOf(events)!.lost, 0);
    // Other processes may go on writing; the two of ours have ended, so that all of theirs is in both.
    for (const [pid, descriptor, bytes] of [
      [writers.pid, fd, 7],
      [failing, 1, 8],
    ] as const) {
      const { duration, ret } = eventsOf(events, pid, descriptor);
      const histogram = new Array<number>(40).fill(0);
      for (const ns of duration) histogram[Math.max(0, Math.floor(Math.log2(ns)))]!++;
      const written = ret.filter((result) => result >= 0);
      const {
        comm: _,
        counted: __,
        sent_ns: ___,
        ...compared
      } = stats.maps["stats_map"]!.getSummed({ pid, fd: descriptor });
      assert.deepEqual(compared, {
        writes: duration.length,
        total_ns: sum(duration),
        min_ns: duration.reduce((least, ns) => Math.min(least, ns), Infinity),
        max_ns: duration.reduce((most, ns) => Math.max(most, ns), 0),
        asked_bytes: bytes * duration.length,
        written_bytes: sum(written),
        errors: ret.length - written.length,
        histogram,
      });
    }
    assert.equal(eventsOf(events, writers.pid, fd).duration.length, 80_000);
    assert.equal(stats.maps["stats_map"]!.getSummed({ pid: failing, fd: 1 }).errors, 30);
  });

  test("the program ringbuf beside it tells the same: counts exactly, percentiles within their bounds", async () => {
    const stats = await (await bpf.load("stats")).attach();
    const ringbuf = await (await bpf.load("ringbuf")).attach();
    const writers = workload.start({ threads: 2, writes: 300, bytes: 4096, slow_us: 300 });
    const done = once(() => writers.run());
    const events = await collect(ringbuf.events("rb"), { until: done });
    const { fd } = (await done())[0]!;
    const { duration, ret } = eventsOf(events, writers.pid, fd);
    const value = stats.maps.stats_map.getSummed({ pid: writers.pid, fd })!;
    assert.equal(value.writes, 300);
    assert.equal(value.written_bytes, sum(ret));
    // Each clocks the other's work too, some hundred ns of writes that wait for a slow reader.
    assert.ok(Math.abs(value.total_ns / sum(duration) - 1) < 0.05, `${value.total_ns} and ${sum(duration)} ns`);
    const [row] = latency
      .estimates(
        stats.maps.stats_map
          .table()
          .filter(aq.escape((d: { pid: number; fd: number }) => d.pid === writers.pid && d.fd === fd)),
        { percentiles: [50, 90] },
      )
      .objects() as Record<string, number>[];
    duration.sort((a, b) => a - b);
    for (const p of [50, 90]) {
      const exact = duration[Math.ceil((300 * p) / 100) - 1]!;
      assert.ok(
        row![`p${p}_from_ns`]! <= exact * 1.05 && exact <= row![`p${p}_to_ns`]! * 1.05,
        `p${p} is ${exact} ns, said to be ${row![`p${p}_from_ns`]} to ${row![`p${p}_to_ns`]}`,
      );
      assert.ok(row![`p${p}_est_ns`]! >= row![`p${p}_from_ns`]! && row![`p${p}_est_ns`]! <= row![`p${p}_to_ns`]!);
    }
  });

  test("a record every 1,000 writes: 8 threads, 400,000 writes, 400 records, each number once", async () => {
    const stats = await bpf.load("stats", { globals: { every_n: 1000 } });
    const writers = workload.start({ threads: 8, writes: 50_000, shared: true });
    stats.globals.watched_pid = writers.pid;
    await stats.attach();
    const done = once(() => writers.run());
    const records = await collect(stats.events("rb"), { until: done });
    const { fd } = (await done())[0]!;
    const rows = records.objects().filter((record) => record.fd === fd);
    assert.equal(rows.length, 400);
    assert.deepEqual(
      rows.map((row) => row.counted).sort((a, b) => a - b),
      Array.from({ length: 400 }, (_, i) => 1000 * (i + 1)),
    );
    assert.equal(captureOf(records)!.lost, 0);
    const total = stats.maps.stats_map.getSummed({ pid: writers.pid, fd })!;
    for (const row of rows) {
      assert.ok(
        row.writes > 0 &&
          row.writes <= 400_000 &&
          row.total_ns <= total.total_ns &&
          row.min_ns >= total.min_ns &&
          row.max_ns <= total.max_ns,
      );
      assert.equal(row.comm, "writers");
    }
  });

  test("a record in so many ns at most: as many as the writes' own times allow, descriptor by descriptor", async () => {
    const every_ns = 100e6;
    const writers = workload.start({ threads: 3, writes: 5 * 1000, burst: { writes: 1000, pause_us: 250_000 } });
    const stats = await statsWithEvents({ watched_pid: writers.pid, every_ns }); // node writes a byte while it starts a process
    const done = once(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20)); // both are being collected by then
      return writers.run();
    });
    const [events, records] = await Promise.all([
      collect(stats.events("each"), { until: done }) as unknown as Promise<EventTable<Write>>,
      collect(stats.events("rb"), { until: done }) as unknown as Promise<EventTable<StatsRecord>>,
    ]);
    const rows = records.objects();
    for (const { fd } of await done()) {
      const expected: number[] = [];
      for (const end of eventsOf(events, writers.pid, fd).end.sort((a, b) => a - b)) {
        if (expected.length === 0 || end - expected.at(-1)! >= every_ns) expected.push(end);
      }
      const sent = rows.filter((row) => row.pid === writers.pid && row.fd === fd).map((row) => row.time_ns);
      assert.deepEqual(sent, expected, `descriptor ${fd}`);
      assert.ok(sent.length >= 5, "five bursts with pauses of 250 ms between them");
    }
  });

  test("threads that share a descriptor never send two records within the time", async () => {
    const every_ns = 5e6;
    const stats = await bpf.load("stats", { globals: { every_ns } });
    const writers = workload.start({ threads: 8, writes: 50_000, shared: true });
    stats.globals.watched_pid = writers.pid;
    await stats.attach();
    const done = once(() => writers.run());
    const records = await collect(stats.events("rb"), { until: done });
    const { fd } = (await done())[0]!;
    const times = records
      .objects()
      .filter((record) => record.fd === fd)
      .map((record) => record.time_ns)
      .sort((a, b) => a - b);
    assert.ok(times.length > 1, "one record only, so this shows nothing");
    times
      .slice(1)
      .forEach((time, i) => assert.ok(time - times[i]! >= every_ns, `two records within ${time - times[i]!} ns`));
  });

  test("without every_n and every_ns nothing is sent", async () => {
    const stats = await (await bpf.load("stats")).attach();
    const writers = workload.start({ writes: 10_000 });
    const records = await collect(stats.events("rb"), { until: () => writers.run() });
    assert.equal(records.numRows(), 0);
    assert.equal(stats.totals("rb").unread + stats.globals.rb_lost, 0);
  });

  test("a full map counts what it could not take in, and its table says so", async () => {
    const stats = await bpf.load("stats", { maxEntries: { stats_map: 2 } });
    const writers = workload.start({ threads: 8, writes: 1000 });
    stats.globals.watched_pid = writers.pid;
    await stats.attach();
    await writers.run();
    const table = stats.maps.stats_map.table();
    const counted = sum([...(table.array("writes") as Float64Array)]);
    assert.ok(table.numRows() <= 2);
    assert.equal(counted + stats.globals.stats_map_lost, 8000);
    assert.equal(captureOf(table)!.lost, stats.globals.stats_map_lost);
    assert.equal(stats.maps.stats_map.lost, stats.globals.stats_map_lost);
    assert.ok(stats.globals.stats_map_lost >= 6000);
    assert.match(
      tableText(table),
      new RegExp(
        `^Incomplete: ${stats.globals.stats_map_lost.toLocaleString("en")} updates found no room in stats\\.stats_map\\.`,
      ),
    );
  });
});
