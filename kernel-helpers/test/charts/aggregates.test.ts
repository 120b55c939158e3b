import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import * as latency from "../../dist/tables/latency.js";
import { percentiles } from "../../dist/tables/percentiles.js";
import { captured, writes } from "../tables/events.js";
import { matchSnapshot } from "./snapshot.js";
import { rowsOf, subtitleOf, total } from "./parts.js";

type Event = { start_ns: number; duration_ns: number; comm: string; count: number };
type Cell = { low: number; high: number; count: number; group: string; t0: number; t1: number };
type Step = { t: number; events: number; rate: number; group: string };

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

describe("lines", () => {
  type Point = { t: number; value: number; part: number };

  it("keep every peak, and say of how long each least and largest value is", () => {
    const time_ns = Float64Array.from({ length: 50_000 }, (_, i) => i * 1e6);
    const value = time_ns.map((_, i) => (i === 31_234 ? 1000 : i === 40_001 ? -7 : i % 5));
    const chart = charts.lines(makeTable({ time_ns, value }), { y: "value" });
    const values = rowsOf<Point>(chart).map((point) => point.value);
    assert.ok(values.length <= 1210, `${values.length} points`);
    assert.ok(values.includes(1000) && values.includes(-7));
    assert.match(subtitleOf(chart), /least and largest value of every 83\.3 ms/);
    const times = rowsOf<Point>(chart).map(({ t }) => t);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  it("break where a value is missing, and where regular rows leave some out", () => {
    const parts = (times: number[], values: (number | null)[]) => {
      const rows = rowsOf<Point>(
        charts.lines(makeTable({ time_ns: times.map((t) => t * 1e9), value: values }), { y: "value" }),
      );
      return rows.map(({ part }) => part);
    };
    assert.deepEqual(parts([0, 1, 2, 3, 4, 5], [1, 2, null, 4, 5, 6]), [1, 1, 2, 2, 2]);
    assert.deepEqual(parts([0, 1, 2, 3, 4, 8, 9, 10], [1, 2, 3, 4, 5, 6, 7, 8]), [1, 1, 1, 1, 1, 2, 2, 2]);
    assert.deepEqual(
      new Set(parts([0, 0.1, 0.9, 1, 7, 7.01, 9, 20], [1, 2, 3, 4, 5, 6, 7, 8])).size,
      1,
      "events come as they please",
    );
  });
});

describe("percentiles on their axis", () => {
  it("are values that occurred, up to what the number of events supports, and then the maximum", () => {
    const duration_ns = Float64Array.from({ length: 1000 }, (_, i) => i + 1);
    const rows = rowsOf<{ tail: number; percentile: string; value: number }>(
      charts.percentiles(makeTable({ duration_ns })),
    );
    const at = (percentile: string) => rows.find((row) => row.percentile === percentile)?.value;
    assert.equal(at("p99"), 990);
    assert.equal(at("p99.9"), 999);
    assert.equal(at("max"), 1000);
    for (const { tail, value } of rows.slice(1, -1)) assert.ok(Math.abs(1000 - 1000 / tail - value) < 1e-6);
    assert.ok(rows.every(({ tail }) => tail <= 1050));
  });

  it("name powers of ten", async () => {
    const svg = await charts.percentiles(writes(20_000)).toSVG();
    for (const label of ["0%", "50%", "90%", "99%", "99.9%", "99.99%"]) assert.ok(svg.includes(`>${label}<`), label);
  });
});

describe("the heat map of counted buckets", () => {
  it("is coloured by density, which neither a longer interval nor a wider bucket changes", () => {
    const table = makeTable({
      time_ns: [1e9, 2e9, 4e9],
      low_ns: [8, 8, 8],
      high_ns: [16, 32, 16],
      count: [100, 200, 200],
    });
    const rows = rowsOf<{ density: number; count: number }>(charts.bucketHeatmap(table));
    assert.deepEqual(
      rows.map(({ density }) => density),
      [100, 100, 100],
    );
    assert.deepEqual(
      rows.map(({ count }) => count),
      [100, 200, 200],
    );
  });
});

describe("the time of day on an axis", () => {
  it("is that of the first event, in UTC", async () => {
    const now = performance.timeOrigin + performance.now();
    const boot = Number(process.hrtime.bigint()) - 60e9;
    const table = captured(
      makeTable({
        start_ns: Float64Array.from({ length: 600 }, (_, i) => boot + i * 1e8),
        duration_ns: Float64Array.from({ length: 600 }, (_, i) => i + 1),
      }),
    );
    assert.throws(() => charts.timeline(writes(5), { clock: true }), /where this table was captured is not known/);
    const minute = (ms: number) => new Date(ms).toISOString().slice(11, 16);
    for (const chart of [
      charts.timeline(table, { clock: true }),
      charts.heatmap(table, { clock: true }),
      charts.lines(table, { x: "start_ns", y: "duration_ns", clock: true }),
    ]) {
      const svg = await chart.toSVG();
      assert.match(svg, />time of day on \d{4}-\d\d-\d\d, UTC</);
      const labels = [...svg.matchAll(/>(\d\d:\d\d):\d\d(\.\d+)?</g)].map(([, time]) => time);
      assert.ok(
        labels.length >= 3 && labels.every((time) => time === minute(now - 60_000) || time === minute(now)),
        labels.join(),
      );
    }
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

describe("percentiles that too few events support", () => {
  const summary = makeTable({ comm: ["few", "many"], count: [64, 5000], p99_ns: [7e6, 3e6], time_ns: [0, 1e9] });

  it("have no bar, and say why", async () => {
    const chart = charts.bar(summary, { x: "comm", y: "p99_ns" });
    assert.deepEqual(
      rowsOf<{ value: number | null }>(chart).map(({ value }) => value),
      [null, 3e6],
    );
    assert.match(await chart.toSVG(), />too few events</);
    assert.match(chart.spec["description"] as string, /few too few events, many 3 ms/);
  });

  it("are a gap in a line, counted in the subtitle", () => {
    const chart = charts.lines(summary, { y: "p99_ns" });
    assert.deepEqual(
      rowsOf<{ value: number }>(chart).map(({ value }) => value),
      [3e6],
    );
    assert.match(subtitleOf(chart), /1 percentile of too few events left out/);
    const intervals = percentiles(writes(300), { every: 10, percentiles: [50, 99.9, 100] });
    const drawn = charts.lines(intervals, { y: "duration_ns", by: "percentile" });
    assert.deepEqual(
      rowsOf<{ group: string }>(drawn).map(({ group }) => group),
      ["p50", "max"],
    );
  });
});
