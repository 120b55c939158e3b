import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import * as latency from "../../dist/tables/latency.js";
import { commands, writes } from "../tables/events.js";
import { rowsOf, subtitleOf, total } from "./parts.js";

type Cell = { low: number; high: number; count: number; group: string; t0: number; t1: number };

describe("groups", () => {
  const many = writes(
    4000,
    Array.from({ length: 12 }, (_, i) => `worker-${i}`),
  );

  it("beyond the top are drawn together, and the subtitle says so", () => {
    const chart = charts.histogram(many, { x: "duration_ns", by: "comm", top: 3 });
    const counts = new Map<string, number>();
    for (const { group, count } of rowsOf<Cell>(chart)) counts.set(group, (counts.get(group) ?? 0) + count);
    const expected = (latency.summary(many, { by: "comm" }).objects() as { comm: string; count: number }[]).map(
      ({ comm, count }) => [comm, count] as const,
    );
    assert.deepEqual(
      [...counts],
      [...expected.slice(0, 3), ["other", total(expected.slice(3).map(([, count]) => count))]],
    );
    assert.match(subtitleOf(chart), /top 3 of 12 by comm, the rest as “other”/);
  });

  it("are all there when they are few", () => {
    const chart = charts.ecdf(writes(4000), { x: "duration_ns", by: "comm" });
    assert.deepEqual([...new Set(rowsOf<Cell>(chart).map(({ group }) => group))].sort(), [...commands].sort());
    assert.ok(!subtitleOf(chart).includes("other"));
  });

  it("come from arquero's groupby too", () => {
    assert.deepEqual(
      rowsOf(charts.timeline(writes(500).groupby("comm"))),
      rowsOf(charts.timeline(writes(500), { by: "comm" })),
    );
  });

  it("come as the table has them, if that is asked for", () => {
    const table = makeTable({
      phase: ["quiet", "flood", "flood", "flood", "after", "after"],
      duration_ns: [3, 5, 6, 7, 1, 2],
    });
    const labels = (options: object) => [
      ...new Set(
        rowsOf<Cell>(charts.ecdf(table, { x: "duration_ns", by: "phase", ...options })).map(({ group }) => group),
      ),
    ];
    assert.deepEqual(labels({}), ["flood", "after", "quiet"]);
    assert.deepEqual(labels({ order: "table" }), ["quiet", "flood", "after"]);
    const first = charts.ecdf(table, { x: "duration_ns", by: "phase", order: "table", top: 1 });
    assert.match(subtitleOf(first), /first 1 of 3 by phase, the rest as “other”/);
    assert.throws(() => labels({ order: "name" }), /order: expected "size" or "table", got "name"/);
  });

  it("called other stay apart from the rest", () => {
    const labels = rowsOf<Cell>(
      charts.histogram(writes(500, ["other", "a", "b"]), { x: "duration_ns", by: "comm", top: 1 }),
    ).map(({ group }) => group);
    assert.deepEqual([...new Set(labels)], ["other", "other groups"]);
  });
});
