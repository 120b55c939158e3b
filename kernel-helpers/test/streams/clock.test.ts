import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { native } from "../../dist/base/native.js";
import { type Capture, joinCaptures, markCapture } from "../../dist/streams/capture.js";
import { provenance, toDate } from "../../dist/streams/clock.js";

const account: Capture = { source: "ringbuf.rb", rows: 1, lost: 0, dropped: 0, startedAt: 0, endedAt: 0 };
const elsewhere: Capture = {
  ...account,
  host: "elsewhere",
  kernel: "Linux 5.11.0",
  bootId: "4c1f8a4e-0000-0000-0000-000000000000",
  clockOffset_ms: Date.UTC(2020, 0, 1),
};
const events = makeTable({ start_ns: [60e9] });

test("a time stamp of this machine is the time of day now", () => {
  for (const date of [toDate(native.clock_monotonic()), toDate(native.clock_monotonic(), markCapture(events, account))])
    assert.ok(Math.abs(date.getTime() - Date.now()) < 1000, date.toISOString());
  assert.equal(provenance().bootId, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
});

test("one of a capture counts by that capture's clock, whatever was made of its table", () => {
  const table = markCapture(events, elsewhere);
  for (const of of [table, table.filter(() => true), table.concat(table), elsewhere])
    assert.equal(toDate(60e9, of).toISOString(), "2020-01-01T00:01:00.000Z");
  assert.equal(toDate(60_000_000_001n, table).toISOString(), "2020-01-01T00:01:00.000Z");
});

test("one whose clock nobody knows is refused, and says what to do", () => {
  assert.throws(() => toDate(1, events), /^ArgumentError: toDate: where this table was captured is not known/);
  assert.throws(
    () => toDate(1, joinCaptures("both", [elsewhere, { ...elsewhere, bootId: "another" }])),
    /captures from several boots/,
  );
  const { clockOffset_ms, ...old } = elsewhere;
  assert.ok(clockOffset_ms);
  assert.throws(() => toDate(1, old), /does not record how its clock relates/);
  assert.throws(() => [1].map(toDate as never), ArgumentError);
});
