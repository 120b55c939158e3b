import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { ArgumentError, bpf, captureOf, collect, type BpfObject } from "../../dist/api/index.js";
import { loadCorpus } from "../corpus/corpus.js";
import { buildWriters } from "../workload/writers.js";

describe("perf event arrays", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  let object: BpfObject;
  before(async () => {
    workload = await buildWriters();
  });
  beforeEach(async () => {
    object = await loadCorpus("perf_records");
  });
  afterEach(() => bpf.closeAll());
  after(() => workload.remove());

  const writes = async (options: { writes: number; threads: number }, cpuBytes?: number) => {
    const writers = workload.start(options);
    object.globals["watched"] = writers.pid;
    const stream = object.events("writes", cpuBytes ? { cpuBytes } : {});
    const table = await collect(stream, {
      until: async () => {
        await object.programs["on_write"]!.attach();
        await writers.run();
        object.detach();
      },
    });
    return { table, pid: writers.pid };
  };

  test("every record comes, in the order of time over all CPUs, and none is lost", async () => {
    const { table, pid } = await writes({ writes: 20_000, threads: 2 }, 2 ** 22);
    const rows = table.objects() as { time_ns: number; pid: number; cpu: number; number: number; comm: string }[];
    assert.equal(rows.length, object.globals["made"]);
    assert.ok(rows.length >= 40_000);
    assert.deepEqual({ lost: captureOf(table)!.lost, dropped: captureOf(table)!.dropped }, { lost: 0, dropped: 0 });
    assert.ok(rows.every((row) => row.pid === pid && row.comm === "w"));
    const numbers = rows.map(({ number }) => number).sort((a, b) => a - b);
    assert.ok(
      numbers.every((number, i) => number === i),
      "each once",
    );
    for (const cpu of new Set(rows.map((row) => row.cpu))) {
      const times = rows.filter((row) => row.cpu === cpu).map(({ time_ns }) => time_ns);
      assert.ok(
        times.every((time, i) => i === 0 || time >= times[i - 1]!),
        `CPU ${cpu} in its own order`,
      );
    }
    // Between our clock reading and the kernel's a program may be interrupted; beyond that the CPUs are in step.
    const late = rows.filter(({ time_ns }, i) => i > 0 && time_ns < rows[i - 1]!.time_ns - 1e6).length;
    assert.ok(late < rows.length / 1000, `${late} of ${rows.length} a millisecond late`);
  });

  test("what was made before somebody listened is counted as unread, also when other options come later", async () => {
    const writers = workload.start({ writes: 100, threads: 1 });
    object.globals["watched"] = writers.pid;
    await object.attach({ programs: { give_id: false, give_line: false, give_typed: false } });
    await writers.run();
    const made = Number(object.globals["made"]);
    assert.ok(made >= 100);
    assert.equal(object.totals("writes").unread, made);
    const table = await collect(object.events("writes", { cpuBytes: 2 ** 16, bigint: ["number"] }), { seconds: 0.05 });
    assert.equal(table.numRows(), 0);
    const { unread, delivered, lost } = object.totals("writes");
    assert.deepEqual({ unread, delivered, lost }, { unread: made, delivered: 0, lost: 0 });
    assert.equal(object.globals["refused"], 0);
  });

  test("what finds no room is counted by CPU: rows + lost = made", async () => {
    const { table } = await writes({ writes: 50_000, threads: 2 }, 4096);
    const { lost, dropped } = captureOf(table)!;
    assert.ok(lost! > 0, "the rings were large enough after all, so this shows nothing");
    assert.equal(dropped, 0);
    assert.equal(table.numRows() + lost!, object.globals["made"]);
    assert.equal(lost, object.globals["refused"]);
    const totals = object.totals("writes");
    assert.equal(
      totals.lostByCpu!.reduce((sum, one) => sum + one, 0),
      lost,
    );
    assert.equal(totals.delivered, table.numRows());
  });

  test("a number alone, and a record that ends where its text does", async () => {
    const ids = await collect(object.events("ids"), {
      until: async () => void object.programs["give_id"]!.testRun(),
    });
    assert.deepEqual(ids.objects(), [{ value: process.pid }]);
    object.globals["words"] = "seven";
    const lines = await collect(object.events("lines"), {
      until: async () => void object.programs["give_line"]!.testRun(),
    });
    assert.deepEqual(lines.objects(), [{ length: 6, text: "seven" }]);
    assert.equal(captureOf(lines)!.malformed, undefined);
  });

  test("a type that the map names", async () => {
    const typed = await collect(object.events("typed"), {
      until: async () => void object.programs["give_typed"]!.testRun(),
    });
    assert.deepEqual(typed.objects(), [{ length: 3, text: "ab" }]);
  });

  test("a ring's size is checked, and a reader after another goes on with its account", async () => {
    assert.throws(
      () => object.events("ids", { cpuBytes: 5000 }),
      (error: unknown) => error instanceof ArgumentError && /^cpuBytes: expected a power of two/.test(error.message),
    );
    const give = async () => void object.programs["give_id"]!.testRun();
    await collect(object.events("ids"), { until: give });
    await collect(object.events("ids", { cpuBytes: 8192 }), { until: give });
    const { delivered, lost, unread } = object.totals("ids");
    assert.deepEqual({ delivered, lost, unread }, { delivered: 2, lost: 0, unread: 0 });
  });
});
