import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { captureOf } from "../../dist/streams/capture.js";
import * as latency from "../../dist/tables/latency.js";
import { captured, commands, random, Words, writes } from "./events.js";

type Row = Record<string, unknown>;

/** The definition, word by word: sort, and take the smallest value that so many do not exceed. */
function naivePercentile(values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.find(
    (value) => values.filter((other) => other <= value).length >= (percent / 100) * values.length - 1e-9,
  )!;
}

function naiveSummary(rows: Row[], by: string[], value: string): Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(by.map((name) => row[name]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .map((group) => {
      const values = group.map((row) => row[value] as number);
      return {
        ...Object.fromEntries(by.map((name) => [name, group[0]![name]])),
        count: values.length,
        p50_ns: naivePercentile(values, 50),
        p90_ns: naivePercentile(values, 90),
        p99_ns: naivePercentile(values, 99),
        p999_ns: naivePercentile(values, 99.9),
        max_ns: Math.max(...values),
        total_ns: values.reduce((sum, one) => sum + one, 0),
      };
    });
}

describe("latency.summary", () => {
  it("takes percentiles by the nearest rank", () => {
    const table = makeTable({ duration_ns: Float64Array.from({ length: 1000 }, (_, i) => 1000 - i) });
    assert.deepEqual(latency.summary(table).objects(), [
      { count: 1000, p50_ns: 500, p90_ns: 900, p99_ns: 990, p999_ns: 999, max_ns: 1000, total_ns: 500_500 },
    ]);
  });

  for (const rows of [1, 2, 3, 10, 99, 100, 101, 1500]) {
    it(`agrees with the definition on ${rows} rows`, () => {
      const table = writes(rows);
      assert.deepEqual(
        latency.summary(table, { by: "comm" }).objects(),
        naiveSummary(table.objects() as Row[], ["comm"], "duration_ns"),
      );
    });
  }

  it("groups by several columns, text and numbers", () => {
    const table = writes(1200);
    assert.deepEqual(
      latency.summary(table, { by: ["comm", "fd"] }).objects(),
      naiveSummary(table.objects() as Row[], ["comm", "fd"], "duration_ns"),
    );
  });

  it("counts what a filter leaves, and only that", () => {
    const table = writes(1200).filter((d: { fd: number }) => d.fd === 1);
    assert.deepEqual(
      latency.summary(table, { by: "comm" }).objects(),
      naiveSummary(table.objects() as Row[], ["comm"], "duration_ns"),
    );
  });

  it("follows arquero's groupby when by is not given, expressions too", () => {
    const table = writes(1200);
    const grouped = table.groupby({ parity: (d: { fd: number }) => d.fd % 2 });
    const rows = (table.objects() as Row[]).map((row) => ({ ...row, parity: (row["fd"] as number) % 2 }));
    assert.deepEqual(latency.summary(grouped).objects(), naiveSummary(rows, ["parity"], "duration_ns"));
    const filtered = grouped.filter((d: { pid: number; fd: number }) => d.fd === 0 || d.pid > 1001);
    const left = (rows as Row[]).filter((row) => row["fd"] === 0 || (row["pid"] as number) > 1001);
    assert.deepEqual(latency.summary(filtered).objects(), naiveSummary(left, ["parity"], "duration_ns"));
  });

  it("names its columns by the unit of the value", () => {
    const names = ["count", "p50_bytes", "p90_bytes", "p99_bytes", "p999_bytes", "max_bytes", "total_bytes"];
    assert.deepEqual(latency.summary(makeTable({ size_bytes: [1, 2] }), { value: "size_bytes" }).columnNames(), names);
    assert.deepEqual(latency.summary(writes(10), { value: "count", by: "fd" }).columnNames(), [
      "fd",
      "count",
      "p50",
      "p90",
      "p99",
      "p999",
      "max",
      "total",
    ]);
  });

  it("does not let the number of events overwrite a field called count", () => {
    const summary = latency.summary(makeTable({ duration_ns: [5, 6, 7], count: [512, 512, 64] }), { by: "count" });
    assert.deepEqual(summary.select("count", "events").objects(), [
      { count: 512, events: 2 },
      { count: 64, events: 1 },
    ]);
  });

  it("joins a dictionary's repeated words", () => {
    const table = makeTable({ duration_ns: Float64Array.of(1, 2, 3), comm: new Words(["dd", "cat", "dd"], [0, 1, 2]) });
    assert.deepEqual(latency.summary(table, { by: "comm" }).select("comm", "count").objects(), [
      { comm: "dd", count: 2 },
      { comm: "cat", count: 1 },
    ]);
  });

  it("takes integers of every width, BigInts and plain arrays, and leaves out what is no number", () => {
    for (const column of [
      Uint8Array.of(3, 1, 2),
      Int32Array.of(3, 1, 2),
      BigUint64Array.of(3n, 1n, 2n),
      [3, null, 1, NaN, 2],
    ]) {
      const [row] = latency.summary(makeTable({ duration_ns: column })).objects() as Row[];
      assert.deepEqual([row!["count"], row!["p50_ns"], row!["max_ns"]], [3, 2, 3]);
    }
  });

  it("gives no rows, but its columns, for no events", () => {
    const summary = latency.summary(
      writes(10).filter(() => false),
      { by: "comm" },
    );
    assert.equal(summary.numRows(), 0);
    assert.deepEqual(summary.columnNames(), [
      "comm",
      "count",
      "p50_ns",
      "p90_ns",
      "p99_ns",
      "p999_ns",
      "max_ns",
      "total_ns",
    ]);
  });

  it("remembers what was lost from its events", () => {
    assert.equal(captureOf(latency.summary(captured(writes(10), 7), { by: "comm" }))?.lost, 7);
  });

  it("names the columns there are when one is missing", () => {
    const missing = (run: () => unknown, name: string) =>
      assert.throws(
        run,
        (error: Error) =>
          error instanceof ArgumentError &&
          error.message.includes(`"${name}"`) &&
          error.message.includes("start_ns, duration_ns, pid"),
      );
    missing(() => latency.summary(writes(3), { by: "command" }), "command");
    missing(() => latency.summary(writes(3), { value: "latency" }), "latency");
    missing(() => latency.histogram(writes(3), { value: "constructor" }), "constructor");
  });

  it("refuses to measure text, and says which columns have numbers", () => {
    assert.throws(
      () => latency.summary(writes(3), { value: "comm" }),
      /needs numbers.*"comm" holds none.*start_ns, duration_ns, pid, fd, count/,
    );
  });

  it("sums up two million rows without an object a row", () => {
    const table = writes(2_000_000);
    const words = table.column("comm") as unknown as Words;
    const before = process.memoryUsage();
    const summary = latency.summary(table, { by: ["comm", "fd"] });
    const after = process.memoryUsage();
    assert.equal(
      (summary.array("count") as number[]).reduce((sum, count) => sum + count, 0),
      2_000_000,
    );
    assert.equal(words.reads, 0);
    assert.ok(after.heapUsed - before.heapUsed < 50e6, `heap grew by ${after.heapUsed - before.heapUsed}`);
    assert.ok(
      after.arrayBuffers - before.arrayBuffers < 100e6,
      `buffers grew by ${after.arrayBuffers - before.arrayBuffers}`,
    );
  });
});

describe("latency.histogram", () => {
  it("has bpftrace's buckets: powers of two, the low end included", () => {
    const table = makeTable({ duration_ns: [4, 5, 7, 8, 15, 16, 40] });
    assert.deepEqual(latency.histogram(table).objects(), [
      { low_ns: 4, high_ns: 8, count: 3, share: 3 / 7 },
      { low_ns: 8, high_ns: 16, count: 2, share: 2 / 7 },
      { low_ns: 16, high_ns: 32, count: 1, share: 1 / 7 },
      { low_ns: 32, high_ns: 64, count: 1, share: 1 / 7 },
    ]);
  });

  it("counts zero and negative values too", () => {
    const rows = latency.histogram(makeTable({ duration_ns: [-3, 0, 0, 1, 2] })).objects() as Row[];
    assert.deepEqual(
      rows.map((row) => [row["low_ns"], row["high_ns"], row["count"]]),
      [
        [-3, 0, 1],
        [0, 1, 2],
        [1, 2, 1],
        [2, 4, 1],
      ],
    );
    assert.deepEqual((latency.histogram(makeTable({ duration_ns: [0] })).objects() as Row[])[0], {
      low_ns: 0,
      high_ns: 1,
      count: 1,
      share: 1,
    });
  });

  for (const steps of [1, 4, 8]) {
    it(`counts each value once, in the right bucket, with ${steps} a doubling`, () => {
      const table = writes(3000);
      const all = table.objects() as Row[];
      const buckets = latency.histogram(table, { by: "comm", steps }).objects() as {
        comm: string;
        low_ns: number;
        high_ns: number;
        count: number;
      }[];
      for (const { comm, low_ns, high_ns, count } of buckets) {
        const inside = all.filter(
          (row) =>
            row["comm"] === comm &&
            (row["duration_ns"] as number) >= low_ns &&
            (row["duration_ns"] as number) < high_ns,
        );
        assert.equal(count, inside.length, `${comm} ${low_ns} to ${high_ns}`);
      }
      assert.equal(
        buckets.reduce((sum, bucket) => sum + bucket.count, 0),
        3000,
      );
      const dd = buckets.filter((bucket) => bucket.comm === "dd");
      for (let i = 1; i < dd.length; i++) assert.equal(dd[i]!.low_ns, dd[i - 1]!.high_ns);
    });
  }

  it("refuses steps that are none", () => {
    for (const steps of [0, -1, 1.5, NaN, 65])
      assert.throws(() => latency.histogram(writes(3), { steps }), ArgumentError);
  });
});

describe("latency.ecdf", () => {
  const pointsOf = (table: ColumnTable) => table.objects() as { comm: string; duration_ns: number; share: number }[];

  it("gives exact points, few of them, with both ends", () => {
    const table = writes(20_000);
    const points = pointsOf(latency.ecdf(table, { by: "comm" }));
    const all = table.objects() as { comm: string; duration_ns: number }[];
    for (const comm of commands) {
      const values = all.filter((row) => row.comm === comm).map((row) => row.duration_ns);
      const own = points.filter((point) => point.comm === comm);
      assert.ok(own.length <= 500 && own.length > 300, `${own.length} points`);
      assert.equal(
        own[0]!.duration_ns,
        values.reduce((a, b) => Math.min(a, b)),
      );
      assert.equal(
        own.at(-1)!.duration_ns,
        values.reduce((a, b) => Math.max(a, b)),
      );
      assert.equal(own.at(-1)!.share, 1);
      for (const { duration_ns, share } of own)
        assert.equal(share, values.filter((value) => value <= duration_ns).length / values.length);
    }
  });

  it("makes one step of equal values", () => {
    assert.deepEqual(latency.ecdf(makeTable({ duration_ns: [2, 1, 2, 2] })).objects(), [
      { duration_ns: 1, share: 0.25 },
      { duration_ns: 2, share: 1 },
    ]);
  });

  it("keeps to the points asked for", () => {
    for (const points of [2, 3, 4, 10]) assert.ok(latency.ecdf(writes(1000), { points }).numRows() <= points);
    assert.throws(() => latency.ecdf(writes(3), { points: 1 }), ArgumentError);
  });
});

describe("random", () => {
  it("repeats itself, so that every failure above can be seen again", () => {
    const [a, b] = [random(5), random(5)];
    for (let i = 0; i < 100; i++) assert.equal(a(), b());
  });
});
