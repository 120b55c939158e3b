import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { captureOf } from "../../dist/streams/capture.js";
import { outliers } from "../../dist/tables/outliers.js";
import { captured, type Words, writes } from "./events.js";

type Write = { comm: string; fd: number; duration_ns: number; start_ns: number };

/** The definition, word by word. */
function naive(rows: Write[], kind: (write: Write) => string, top: number) {
  const median = (key: string) => {
    const all = rows
      .filter((row) => kind(row) === key)
      .map((row) => row.duration_ns)
      .sort((a, b) => a - b);
    return all[Math.ceil(all.length / 2) - 1]!;
  };
  return rows
    .map((row) => ({ ...row, p50_ns: median(kind(row)), excess_ns: row.duration_ns - median(kind(row)) }))
    .filter((row) => row.excess_ns > 0)
    .sort((a, b) => b.excess_ns - a.excess_ns)
    .slice(0, top);
}

for (const rows of [1, 2, 7, 500]) {
  test(`of ${rows} writes those furthest above the median of their kind`, () => {
    const table = writes(rows);
    const all = table.objects() as Write[];
    assert.deepEqual(
      outliers(table, { by: "comm", top: 6 }).objects(),
      naive(all, ({ comm }) => comm, 6),
    );
    assert.deepEqual(
      outliers(table, { by: ["comm", "fd"] }).objects(),
      naive(all, ({ comm, fd }) => `${comm} ${fd}`, 10),
    );
    assert.deepEqual(
      outliers(table).objects(),
      naive(all, () => "", 10),
    );
    const some = table.filter((write: { fd: number }) => write.fd === 1);
    assert.deepEqual(
      outliers(some, { by: "comm" }).objects(),
      naive(
        all.filter(({ fd }) => fd === 1),
        ({ comm }) => comm,
        10,
      ),
    );
    assert.deepEqual(
      outliers(table.groupby("comm"), { top: 3 }).objects(),
      naive(all, ({ comm }) => comm, 3),
    );
  });
}

test("who is always slow is no outlier", () => {
  const table = makeTable({
    comm: ["slow", "slow", "slow", "fast", "fast", "fast"],
    duration_ns: [900, 910, 900, 1, 50, 1],
  });
  assert.deepEqual(outliers(table, { by: "comm" }).select("comm", "duration_ns", "p50_ns", "excess_ns").objects(), [
    { comm: "fast", duration_ns: 50, p50_ns: 1, excess_ns: 49 },
    { comm: "slow", duration_ns: 910, p50_ns: 900, excess_ns: 10 },
  ]);
});

test("names its columns by the unit, keeps the account, and refuses what makes no sense", () => {
  assert.deepEqual(outliers(makeTable({ size_bytes: [1, 2, 3] }), { value: "size_bytes" }).columnNames(), [
    "size_bytes",
    "p50_bytes",
    "excess_bytes",
  ]);
  assert.equal(captureOf(outliers(captured(writes(20), 3)))?.lost, 3);
  assert.equal(outliers(writes(0), { by: "comm" }).numRows(), 0);
  for (const top of [0, 1.5, NaN]) assert.throws(() => outliers(writes(3), { top }), ArgumentError);
});

test("reads of two million rows no text but that of the rows it gives", () => {
  const table = writes(2_000_000);
  assert.equal(outliers(table, { by: "comm", top: 20 }).numRows(), 20);
  assert.ok((table.column("comm") as unknown as Words).reads <= 40);
});

test("as many as there are events are found in the time that a sort takes", () => {
  const rows = 300_000;
  const duration_ns = Float64Array.from({ length: rows }, (_, i) => ((i * 7919) % rows) + 1);
  const all = outliers(makeTable({ duration_ns }), { top: rows });
  const found = Float64Array.from(all.array("duration_ns") as ArrayLike<number>);
  const expected = duration_ns.filter((value) => value > rows / 2).sort((a, b) => b - a);
  assert.deepEqual(found, expected);
});

test("of two that are equal the earlier comes first, also where the list ends between them", () => {
  const table = makeTable({ n: [0, 1, 2, 3, 4, 5, 6], duration_ns: [1, 9, 1, 9, 1, 9, 1] });
  assert.deepEqual(outliers(table, { top: 2 }).array("n"), [1, 3]);
});
