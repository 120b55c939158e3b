import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { captureOf } from "../../dist/streams/capture.js";
import { compare } from "../../dist/tables/compare.js";
import { summary } from "../../dist/tables/latency.js";
import { captured, writes } from "./events.js";

const before = makeTable({ comm: ["dd", "cat", "gone"], count: [10, 20, 30], p99_ns: [1000, 500, 7] });
const after = makeTable({ comm: ["new", "dd", "cat"], count: [1, 30, 10], p99_ns: [9, 250, 0] });

test("each number as it was, as it is, and how many times as much; rows by name", () => {
  assert.deepEqual(compare(before, after, { by: "comm" }).objects(), [
    {
      comm: "new",
      count_before: null,
      count_after: 1,
      count_ratio: null,
      p99_before_ns: null,
      p99_after_ns: 9,
      p99_ratio: null,
    },
    {
      comm: "dd",
      count_before: 10,
      count_after: 30,
      count_ratio: 3,
      p99_before_ns: 1000,
      p99_after_ns: 250,
      p99_ratio: 0.25,
    },
    {
      comm: "cat",
      count_before: 20,
      count_after: 10,
      count_ratio: 0.5,
      p99_before_ns: 500,
      p99_after_ns: 0,
      p99_ratio: 0,
    },
    {
      comm: "gone",
      count_before: 30,
      count_after: null,
      count_ratio: null,
      p99_before_ns: 7,
      p99_after_ns: null,
      p99_ratio: null,
    },
  ]);
});

test("without names one row is compared with one; what was 0 has no ratio", () => {
  assert.deepEqual(compare(makeTable({ lost: [0], rate: [4] }), makeTable({ lost: [3], rate: [2] })).objects(), [
    { lost_before: 0, lost_after: 3, lost_ratio: null, rate_before: 4, rate_after: 2, rate_ratio: 0.5 },
  ]);
});

test("only the columns asked for; summaries of filtered and ordered tables; several names", () => {
  const [monday, tuesday] = [
    summary(writes(300), { by: ["comm", "fd"] }),
    summary(writes(500), { by: ["comm", "fd"] }),
  ];
  const compared = compare(
    monday.filter((row: { fd: number }) => row.fd > 0),
    tuesday.orderby("comm", "fd"),
    { by: ["comm", "fd"], of: "p50_ns" },
  );
  assert.deepEqual(compared.columnNames(), ["comm", "fd", "p50_before_ns", "p50_after_ns", "p50_ratio"]);
  const expected = new Map(
    (monday.objects() as { comm: string; fd: number; p50_ns: number }[]).map(({ comm, fd, p50_ns }) => [
      comm + fd,
      fd > 0 ? p50_ns : null,
    ]),
  );
  for (const { comm, fd, p50_before_ns } of compared.objects() as {
    comm: string;
    fd: number;
    p50_before_ns: number | null;
  }[])
    assert.equal(p50_before_ns, expected.get(comm + fd) ?? null);
  assert.deepEqual(compared.array("comm"), tuesday.orderby("comm", "fd").array("comm"));
});

test("what was lost on either side is known", () => {
  const lost = (...each: number[]) =>
    captureOf(compare(...(each.map((some) => summary(captured(writes(10), some))) as [never, never])))?.lost;
  assert.deepEqual([lost(0, 0), lost(7, 0), lost(0, 5)], [0, 7, 5]);
});

test("rows that cannot be told apart and columns that are not there are refused", () => {
  assert.throws(
    () => compare(before, after),
    (error: Error) => error instanceof ArgumentError && /two rows in one table: name in by/.test(error.message),
  );
  assert.throws(() => compare(summary(writes(99), { by: ["comm", "fd"] }), after, { by: "comm" }), /two rows of/);
  assert.throws(() => compare(before, after, { by: "comm", of: "p50_ns" }), /no column "p50_ns"/);
});
