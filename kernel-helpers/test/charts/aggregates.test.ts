import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import * as latency from "../../dist/tables/latency.js";
import { captured, commands, writes } from "../tables/events.js";
import { matchSnapshot } from "./snapshot.js";

type Event = { start_ns: number; duration_ns: number; comm: string; count: number };
type Cell = { low: number; high: number; count: number; group: string; t0: number; t1: number };
type Step = { t: number; events: number; rate: number; group: string };

const rowsOf = <Row>(chart: charts.Chart) => (chart.spec["data"] as { values: Row[] }).values;
const subtitleOf = (chart: charts.Chart) => (chart.spec["title"] as { subtitle: string }).subtitle;
const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

describe("specifications", () => {
  const table = captured(writes(400), 12);
  it("of a histogram stay as they are", () =>
    matchSnapshot("histogram", charts.histogram(table, { x: "duration_ns", by: "comm", bins: 12 })));
  it("of a histogram without groups stay as they are", () =>
    matchSnapshot("histogram-plain", charts.histogram(captured(writes(400)), { x: "count", bins: 10 })));
  it("of an ECDF stay as they are", () =>
    matchSnapshot("ecdf", charts.ecdf(captured(writes(40)), { x: "duration_ns", by: "comm", top: 2 })));
  it("of a heat map stay as they are", () => matchSnapshot("heatmap", charts.heatmap(table, { xBins: 8, yBins: 10 })));
  it("of a timeline stay as they are", () =>
    matchSnapshot("timeline", charts.timeline(table, { by: "comm", every: 0.5 })));
  it("of bars stay as they are", () =>
    matchSnapshot("bar", charts.bar(latency.summary(table, { by: "comm" }), { x: "comm", y: "p99_ns" })));
  it("of no events stay as they are", () =>
    matchSnapshot("empty", charts.ecdf(captured(writes(0)), { x: "duration_ns" })));
});

describe("the histogram's bars", () => {
  it("count each event once, in its bin and group", () => {
    const table = writes(5000);
    const events = table.objects() as Event[];
    const cells = rowsOf<Cell>(charts.histogram(table, { x: "duration_ns", by: "comm" }));
    assert.equal(total(cells.map((cell) => cell.count)), 5000);
    for (const { low, high, count, group } of cells) {
      assert.equal(
        count,
        events.filter((event) => event.comm === group && event.duration_ns >= low && event.duration_ns < high).length,
      );
    }
  });

  it("are never finer than whole numbers", () => {
    const table = makeTable({ duration_ns: Float64Array.from({ length: 400 }, (_, i) => i + 1) });
    for (const log of [true, false]) {
      const cells = rowsOf<Cell>(charts.histogram(table, { x: "duration_ns", log, bins: 200 }));
      assert.equal(total(cells.map((cell) => cell.count)), 400);
      for (const { low, high } of cells) assert.ok(Number.isInteger(low) && Number.isInteger(high) && high > low);
    }
  });

  it("leave zero off a log axis, and say so", () => {
    const chart = charts.histogram(makeTable({ duration_ns: [0, -5, 10, 1000] }), { x: "duration_ns" });
    assert.equal(total(rowsOf<Cell>(chart).map((cell) => cell.count)), 2);
    assert.match(subtitleOf(chart), /2 at or below 0 not on the log scale/);
    const linear = charts.histogram(makeTable({ duration_ns: [0, -5, 10, 1000] }), { x: "duration_ns", log: false });
    assert.equal(total(rowsOf<Cell>(linear).map((cell) => cell.count)), 4);
  });

  it("lie on a log axis only where times span more than a decade, unless asked for", () => {
    const typeOf = (chart: charts.Chart) =>
      (chart.spec["layer"] as { encoding: { x: { scale: { type: string } } } }[])[0]!.encoding.x.scale.type;
    assert.equal(typeOf(charts.histogram(makeTable({ duration_ns: [10, 1000] }), { x: "duration_ns" })), "log");
    assert.equal(typeOf(charts.histogram(makeTable({ duration_ns: [10, 100] }), { x: "duration_ns" })), "linear");
    assert.equal(typeOf(charts.histogram(makeTable({ bytes: [10, 1000] }), { x: "bytes" })), "linear");
    assert.equal(typeOf(charts.histogram(makeTable({ bytes: [10, 1000] }), { x: "bytes", log: true })), "log");
  });
});

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
    assert.throws(() => labels({ order: "name" }), /expected "size" or "table" for order, got "name"/);
  });

  it("called other stay apart from the rest", () => {
    const labels = rowsOf<Cell>(
      charts.histogram(writes(500, ["other", "a", "b"]), { x: "duration_ns", by: "comm", top: 1 }),
    ).map(({ group }) => group);
    assert.deepEqual([...new Set(labels)], ["other", "other groups"]);
  });
});

describe("the heat map's cells", () => {
  it("count each event once, in its time and size", () => {
    const table = writes(3000);
    const events = table.objects() as Event[];
    const first = events[0]!.start_ns;
    const cells = rowsOf<Cell>(charts.heatmap(table));
    assert.equal(total(cells.map((cell) => cell.count)), 3000);
    for (const { t0, t1, low, high, count } of cells.slice(0, 300)) {
      const inside = ({ start_ns, duration_ns }: Event) =>
        (start_ns - first) / 1e9 >= t0 && (start_ns - first) / 1e9 < t1 && duration_ns >= low && duration_ns < high;
      assert.equal(count, events.filter(inside).length);
    }
  });

  it("are whole pixels", () => {
    const chart = charts.heatmap(writes(3000));
    const cells = rowsOf<Cell>(chart);
    const columns = (Math.max(...cells.map(({ t1 }) => t1)) / (cells[0]!.t1 - cells[0]!.t0)).toFixed(6);
    assert.ok(Number.isInteger((chart.spec["width"] as number) / Number(columns)));
  });
});

describe("the timeline's steps", () => {
  it("are counts over their length, and the last is neither cut short nor lost", () => {
    const start_ns = Float64Array.from({ length: 1051 }, (_, i) => 1e9 + i * 1e6); // one a millisecond, 1.05 s
    const steps = rowsOf<Step>(charts.timeline(makeTable({ start_ns }), { every: 0.1 }));
    assert.equal(steps.length, 12); // eleven steps, and the end of the last
    assert.equal(total(steps.slice(0, -1).map(({ events }) => events)), 1051);
    for (const { rate } of steps.slice(0, 10)) assert.equal(rate, 1000);
    assert.equal(steps[10]!.rate, 1020); // 51 events in 50 ms: both ends count
    assert.deepEqual(
      steps.map(({ t }) => t),
      [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.05],
    );
  });

  it("have zeros where nothing happened", () => {
    const steps = rowsOf<Step>(charts.timeline(makeTable({ start_ns: [0, 1e9] }), { every: 0.25 }));
    assert.deepEqual(
      steps.slice(0, -1).map(({ events }) => events),
      [1, 0, 0, 1],
    );
  });

  it("grow when they were asked for too fine, and the subtitle says so", () => {
    const chart = charts.timeline(writes(500), { by: "comm", every: 1e-6 });
    assert.ok(rowsOf(chart).length <= 2000);
    assert.match(subtitleOf(chart), /intervals of [\d.]+ ms \(1 µs is too fine for one chart\)/);
  });
});

describe("bars", () => {
  it("keep the table's order, and add up rows of one name", () => {
    const table = makeTable({ comm: ["b", "a", "b"], count: [1, 5, 2] });
    assert.deepEqual(rowsOf(charts.bar(table, { x: "comm", y: "count" })), [
      { name: "b", value: 3 },
      { name: "a", value: 5 },
    ]);
  });

  it("keep an ordered table's order", () => {
    const table = makeTable({ comm: ["b", "a", "c"], count: [1, 5, 2] }).orderby("count");
    assert.deepEqual(rowsOf(charts.bar(table, { x: "comm", y: "count" })), [
      { name: "b", value: 1 },
      { name: "c", value: 2 },
      { name: "a", value: 5 },
    ]);
  });

  it("count events, the most frequent first, when there is nothing to add up", () => {
    assert.deepEqual(rowsOf(charts.bar(makeTable({ comm: ["a", "b", "b"] }), { x: "comm" })), [
      { name: "b", value: 2 },
      { name: "a", value: 1 },
    ]);
  });

  it("stop at the top, and the subtitle says so", () => {
    const chart = charts.bar(
      makeTable({ name: Array.from({ length: 50 }, (_, i) => `n${i}`), count: Array(50).fill(1) }),
      { x: "name", y: "count", top: 5 },
    );
    assert.equal(rowsOf(chart).length, 5);
    assert.match(subtitleOf(chart), /first 5 of 50/);
  });
});
