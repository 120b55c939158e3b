import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { captureOf, lossNote } from "../../dist/streams/capture.js";
import { concatCaptures } from "../../dist/tables/concat.js";
import { summary } from "../../dist/tables/latency.js";
import { captured, writes } from "./events.js";

test("two captures become one table that says which of them a row is from, with the columns that both have", () => {
  const before = captured(writes(30).derive({ path: () => "x" }));
  const after = captured(writes(50).filter((write: { fd: number }) => write.fd === 1));
  const both = concatCaptures({ before, after });
  assert.deepEqual(both.columnNames(), ["capture", "start_ns", "duration_ns", "pid", "fd", "count", "comm"]);
  assert.deepEqual(both.array("capture"), [
    ...Array<string>(30).fill("before"),
    ...Array<string>(after.numRows()).fill("after"),
  ]);
  assert.deepEqual(
    Array.from(both.array("duration_ns") as number[]),
    Array.of(...(before.array("duration_ns") as number[]), ...(after.array("duration_ns") as number[])),
  );
  assert.deepEqual(summary(both, { by: "capture" }).select("capture", "count").objects(), [
    { capture: "before", count: 30 },
    { capture: "after", count: after.numRows() },
  ]);
});

test("columns stay what streams make them", () => {
  const both = concatCaptures({ before: writes(3), after: writes(5) });
  for (const name of ["capture", "comm"]) assert.ok(both.column(name) instanceof DictionaryColumn, name);
  assert.ok(both.column("duration_ns") instanceof Float64Array);
});

test("its account is that of all, in its charts and part by part on a report's cover", () => {
  const both = concatCaptures({ monday: captured(writes(30), 10), tuesday: captured(writes(50), 0, 10) });
  assert.equal(
    lossNote(captureOf(both)),
    "Incomplete: of 100 events 10 lost in the kernel (ring full) and 10 dropped at the memory bound, 20 %.",
  );
  const account = charts.ecdf(both, { x: "duration_ns", by: "capture" }).frame()[
    "application/vnd.bpflab.capture+json"
  ] as { parts: { rows: number; lost: number }[] };
  assert.deepEqual(
    account.parts.map(({ rows, lost }) => [rows, lost]),
    [
      [30, 10],
      [50, 0],
    ],
  );
});

test("the tables it was made from keep their own account", () => {
  const before = captured(writes(30), 10);
  concatCaptures({ before, after: captured(writes(50)) });
  assert.equal(captureOf(before)?.rows, 30);
});

test("one table, or tables with nothing in common, are refused", () => {
  assert.throws(() => concatCaptures({ only: writes(3) }), ArgumentError);
  assert.throws(
    () => concatCaptures({ a: makeTable({ x: [1] }), b: makeTable({ y: [1] }) }),
    /a and b have no column in common/,
  );
});
