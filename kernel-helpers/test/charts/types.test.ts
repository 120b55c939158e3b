/** What must not compile: the names of columns are checked where a table's type knows them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import type { EventTable } from "../../dist/streams/table.js";
import * as latency from "../../dist/tables/latency.js";
import { writes } from "../tables/events.js";

type Write = { start_ns: number; duration_ns: number; pid: number; fd: number; count: number; comm: string };
const typed = () => writes(5) as EventTable<Write>;

describe("column names", () => {
  it("that the table has compile", () => {
    charts.histogram(typed(), { x: "duration_ns", by: "comm" });
    charts.ecdf(typed(), { x: "duration_ns", by: ["comm", "fd"] });
    charts.heatmap(typed(), { x: "start_ns", y: "duration_ns" });
    charts.timeline(typed(), { x: "start_ns" });
    charts.bar(typed(), { x: "comm", y: "count" });
    assert.equal(latency.summary(typed(), { by: "comm", value: "duration_ns" }).columnName(0), "comm");
    assert.equal(latency.summary(writes(5), { by: "comm" }).columnName(0), "comm"); // a table of unknown columns takes any name
  });

  it("that it has not do not compile, and throw", () => {
    // @ts-expect-error
    assert.throws(() => charts.histogram(typed(), { x: "duration" }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => charts.ecdf(typed(), { x: "duration_ns", by: "command" }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => charts.heatmap(typed(), { y: "latency_ns" }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => charts.timeline(typed(), { x: "begin_ns" }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => charts.bar(typed(), { x: "command" }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => latency.summary(typed(), { by: ["comm", "file"] }), ArgumentError);
    // @ts-expect-error
    assert.throws(() => latency.histogram(typed(), { value: "latency_ns" }), ArgumentError);
  });
});
