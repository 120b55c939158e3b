import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import { captureOf } from "../../dist/streams/capture.js";
import { percentiles } from "../../dist/tables/percentiles.js";
import { captured, writes } from "./events.js";

const second = 1e9;

test("a row for each interval with events and each percentile, of values that occurred", () => {
  const at = [5, 5.2, 5.9, 6, 8.5].map((time) => time * second);
  assert.deepEqual(
    percentiles(makeTable({ start_ns: at, duration_ns: [30, 10, 20, 7, 9] }), {
      every: 1,
      percentiles: [50, 99.9, 100],
    }).objects(),
    [
      { time_ns: 5 * second, percentile: "p50", duration_ns: 20, count: 3 },
      { time_ns: 5 * second, percentile: "p99.9", duration_ns: 30, count: 3 },
      { time_ns: 5 * second, percentile: "max", duration_ns: 30, count: 3 },
      ...["p50", "p99.9", "max"].map((percentile) => ({ time_ns: 6 * second, percentile, duration_ns: 7, count: 1 })),
      ...["p50", "p99.9", "max"].map((percentile) => ({ time_ns: 8 * second, percentile, duration_ns: 9, count: 1 })),
    ],
  );
});

test("every event is in one interval, unless told otherwise in one of a hundred", () => {
  const table = writes(5000);
  const rows = percentiles(table, { percentiles: [50] });
  assert.ok(rows.numRows() > 50 && rows.numRows() <= 101, `${rows.numRows()} intervals`);
  assert.equal(
    (rows.array("count") as number[]).reduce((sum, count) => sum + count, 0),
    5000,
  );
  const filtered = table.filter((write: { fd: number }) => write.fd === 1);
  assert.equal(
    (percentiles(filtered, { percentiles: [99] }).array("count") as number[]).reduce((sum, count) => sum + count, 0),
    filtered.numRows(),
  );
});

test("one event, none, and events without a time", () => {
  assert.deepEqual(percentiles(makeTable({ start_ns: [7], duration_ns: [3] }), { percentiles: [50] }).objects(), [
    { time_ns: 7, percentile: "p50", duration_ns: 3, count: 1 },
  ]);
  assert.equal(percentiles(writes(0)).numRows(), 0);
  const untimed = makeTable({ start_ns: [NaN, second, second], duration_ns: [1000, 3, 4] });
  assert.deepEqual(percentiles(untimed, { percentiles: [100] }).objects(), [
    { time_ns: second, percentile: "max", duration_ns: 4, count: 2 },
  ]);
});

test("lines can be drawn of it, and it keeps the account", () => {
  const rows = percentiles(captured(writes(3000), 5));
  assert.equal(captureOf(rows)?.lost, 5);
  assert.match(
    charts.lines(rows, { y: "duration_ns", by: "percentile", log: true }).text,
    /Incomplete: of 3,005 events 5 lost/,
  );
});

test("what makes no sense is refused", () => {
  for (const options of [
    { every: 0 },
    { every: -1 },
    { every: NaN },
    { every: 1e-9 },
    { percentiles: [0] },
    { percentiles: [101] },
    { percentiles: [NaN] },
  ])
    assert.throws(() => percentiles(writes(10), options), ArgumentError);
  assert.throws(() => percentiles(writes(10), { value: "comm" as never }), /needs numbers/);
});
