import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { map } from "rxjs";
import { native } from "../../dist/base/native.js";
import {
  aq,
  bpf,
  captureOf,
  collect,
  type EventTable,
  latency,
  type ShippedPrograms,
  withPaths,
} from "../../dist/api/index.js";
import { buildWriters, type ThreadReport } from "../workload/writers.js";

type Write = ShippedPrograms["ringbuf"]["events"]["rb"];

/** A function whose first call decides what all return. */
function once<T>(act: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: act() }).value;
}

/** The visible rows of a column that pass a test, without an object a row. */
function countRows(table: EventTable<Write>, test: (row: number) => boolean): number {
  let count = 0;
  table.scan((row) => void (count += test(row!) ? 1 : 0));
  return count;
}

describe("ringbuf, against the workload's own count", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(async () => {
    bpf.closeAll();
    await workload.remove();
  });

  test("200,000 one-byte writes are 200,000 rows, each right, and none is lost", async () => {
    const ringbuf = await (await bpf.load("ringbuf")).attach();
    const writers = workload.start({ writes: 200_000 });
    const done = once(() => writers.run());
    const table = await collect(ringbuf.events("rb"), { until: done });
    const [thread] = await done();
    const column = (name: keyof Write) => table.getter(name) as (row: number) => unknown;
    const [pid, tid, fd, ret, comm, duration, start] = (
      ["pid", "tid", "fd", "ret", "comm", "duration_ns", "start_ns"] as const
    ).map(column) as ((row: number) => unknown)[];
    const isWrite = (row: number) => pid!(row) === writers.pid && fd!(row) === thread!.fd;
    assert.equal(countRows(table, isWrite), 200_000);
    assert.equal(
      countRows(
        table,
        (row) =>
          isWrite(row) &&
          ret!(row) === 1 &&
          comm!(row) === "writers" &&
          tid!(row) === thread!.tid &&
          (duration!(row) as number) > 0 &&
          (start!(row) as number) > 0,
      ),
      200_000,
    );
    assert.deepEqual({ lost: captureOf(table)!.lost, dropped: captureOf(table)!.dropped }, { lost: 0, dropped: 0 });
    ringbuf.close();
  });

  test("an event costs its columns and no JavaScript object", async () => {
    const writers = workload.start({ writes: 200_000 });
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
    await collect(ringbuf.events("rb"), { seconds: 0.1 }); // what is made once is made by now
    const before = process.memoryUsage().heapUsed;
    const table = await collect(ringbuf.events("rb"), { until: () => writers.run() });
    const heap = process.memoryUsage().heapUsed - before;
    assert.equal(table.numRows(), 200_000);
    assert.ok(heap < 20 * 200_000, `${heap} bytes on the heap: more than 20 an event`);
    ringbuf.close();
  });

  test("a ring of 4 KiB loses events and counts every one: rows + lost = 200,000", async () => {
    const writers = workload.start({ writes: 200_000 });
    const ringbuf = await (
      await bpf.load("ringbuf", { maxEntries: { rb: 4096 }, globals: { watched_pid: writers.pid } })
    ).attach();
    const done = once(() => writers.run());
    const table = await collect(ringbuf.events("rb"), { until: done });
    const { lost, dropped } = captureOf(table)!;
    assert.equal(dropped, 0);
    assert.ok(lost! > 0, "the ring was large enough after all, so this shows nothing");
    assert.equal(table.numRows() + lost!, 200_000);
    assert.equal(ringbuf.globals.rb_lost, lost);
    ringbuf.close();
  });

  test("two threads that write at once never get each other's descriptor or time", async () => {
    const ringbuf = await (await bpf.load("ringbuf")).attach();
    const writers = workload.start({ threads: 2, writes: 300, bytes: 4096, slow_us: 500 });
    const done = once(() => writers.run());
    const table = await collect(ringbuf.events("rb"), { until: done });
    const [slow, fast] = await done();
    const [tid, fd, start, duration] = (["tid", "fd", "start_ns", "duration_ns"] as const).map(
      (name) => table.getter(name) as (row: number) => number,
    ) as ((row: number) => number)[];
    for (const thread of [slow!, fast!]) {
      assert.equal(
        countRows(table, (row) => tid!(row) === thread.tid && fd!(row) === thread.fd),
        300,
      );
      assert.equal(
        countRows(table, (row) => tid!(row) === thread.tid && fd!(row) !== thread.fd),
        0,
      );
    }
    // A thread makes one write after the other: a time that belongs to another thread's would overlap with the next.
    for (const thread of [slow!, fast!]) {
      let end = 0;
      table
        .filter(aq.escape((d: Write) => d.tid === thread.tid))
        .orderby("start_ns")
        .scan((row) => {
          assert.ok(
            start!(row!) >= end,
            `a write that began at ${start!(row!)} ns, before the one that ended at ${end}`,
          );
          end = start!(row!) + duration!(row!);
        }, true);
    }
    // Most writes to the pipe wait for its reader's nap, and nearly none to /dev/null; how many do not is the scheduler's affair.
    const long = (thread: ThreadReport) =>
      countRows(table, (row) => tid!(row) === thread.tid && fd!(row) === thread.fd && duration!(row) > 300_000);
    assert.ok(long(slow!) >= 150, `${long(slow!)} of 300 slow writes took long`);
    assert.ok(long(fast!) <= 30, `${long(fast!)} of 300 fast writes took long`);
    ringbuf.close();
  });

  test("a write that was under way when the programs were taken off is not mistaken for a later one", async () => {
    for (const watched of ["nobody else", "the same"]) {
      const writers = workload.start({ writes: 6, bytes: 4096, slow_us: 200_000 });
      const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
      const done = once(() => writers.run());
      await collect(ringbuf.events("rb"), { rows: 2, until: done });
      ringbuf.detach(); // the third is under way, and waits for its reader
      await sleep(700); // until the fifth is
      const attachedAt = native.clock_monotonic();
      if (watched !== "the same") ringbuf.globals.watched_pid = 1;
      await ringbuf.attach();
      const table = await collect(ringbuf.events("rb"), { until: done });
      const own = countRows(table, (row) => table.get("pid", row) === writers.pid);
      if (watched === "the same") assert.ok(own >= 1);
      else assert.equal(own, 0);
      assert.equal(
        countRows(table, (row) => table.get("start_ns", row) < attachedAt),
        0,
        "rows that began before",
      );
      ringbuf.close();
    }
  });

  test("the ring is drained while JavaScript is busy for a second", async () => {
    const writers = workload.start({ writes: 400_000 });
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
    const done = once(() => writers.run());
    const collected = collect(ringbuf.events("rb"), { until: done });
    await new Promise((resolve) => setTimeout(resolve, 50));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    const table = await collected;
    assert.equal(table.numRows(), 400_000);
    assert.equal(captureOf(table)!.lost, 0);
    ringbuf.close();
  });

  test("beyond the memory bound the newest records are dropped and counted", async () => {
    const writers = workload.start({ writes: 400_000 });
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
    const done = once(() => writers.run());
    const collected = collect(ringbuf.events("rb", { bufferBytes: 2 ** 20 }), { until: done });
    await new Promise((resolve) => setTimeout(resolve, 5));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    const table = await collected;
    const { lost, dropped } = captureOf(table)!;
    assert.ok(dropped > 0, "nothing was dropped, so this shows nothing");
    assert.equal(table.numRows() + lost! + dropped, 400_000);
    const totals = ringbuf.totals("rb");
    assert.equal(totals.delivered + totals.lost! + totals.dropped + totals.unread, 400_000);
    ringbuf.close();
  });

  test("a collection that saw nothing still knows its columns", async () => {
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: 0x7fffffff } })).attach(); // beyond the largest process id there can be
    const both = [
      ringbuf.events("rb"),
      ringbuf.events("rb").pipe(map((batch) => ({ ...batch, table: withPaths(batch.table) }))),
    ];
    const [plain, piped] = await Promise.all(both.map((stream) => collect(stream, { seconds: 0.1 })));
    const columns = ["start_ns", "duration_ns", "pid", "tid", "fd", "ret", "comm"];
    assert.deepEqual([plain!.columnNames(), piped!.columnNames()], [columns, [...columns, "path"]]);
    assert.equal(latency.summary(plain!, { by: "comm" }).numRows(), 0);
    ringbuf.close();
  });

  test("a stream completes when its object is closed or replaced", async () => {
    const first = await (await bpf.load("ringbuf")).attach();
    const completed = new Promise<void>((resolve) => first.events("rb").subscribe({ complete: resolve }));
    const second = await bpf.load("ringbuf", { maxEntries: { rb: 1 << 20 } });
    await completed;
    assert.equal(first.closed, true);
    assert.equal(second.attached, true, "the new one is attached where the old one was");
    second.close();
  });

  test("two subscribers get the same events; with none, records are counted as unread", async () => {
    const writers = workload.start({ writes: 1000 });
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
    const done = sleep(50).then(() => writers.run()); // both listen by then
    const [one, two] = await Promise.all([
      collect(ringbuf.events("rb"), { until: done }),
      collect(ringbuf.events("rb"), { until: done }),
    ]);
    assert.equal(one.numRows(), 1000);
    assert.equal(two.numRows(), 1000);
    const more = workload.start({ writes: 500 });
    ringbuf.globals.watched_pid = more.pid;
    await more.run();
    const third = await collect(ringbuf.events("rb"), { seconds: 0.1 });
    assert.equal(third.numRows(), 0);
    assert.equal(ringbuf.totals("rb").unread, 500);
    ringbuf.close();
  });
});
