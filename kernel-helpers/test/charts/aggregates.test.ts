import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { NameColors } from "../../dist/charts/colors.js";
import * as latency from "../../dist/tables/latency.js";
import { percentiles } from "../../dist/tables/percentiles.js";
import { captured, commands, random, writes } from "../tables/events.js";
import { matchSnapshot } from "./snapshot.js";

type Event = { start_ns: number; duration_ns: number; comm: string; count: number };
type Cell = { low: number; high: number; count: number; group: string; t0: number; t1: number };
type Step = { t: number; events: number; rate: number; group: string };

const rowsOf = <Row>(chart: charts.Chart) => (chart.spec["data"] as { values: Row[] }).values;
const subtitleOf = (chart: charts.Chart) => (chart.spec["title"] as { subtitle: string }).subtitle;
const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

/** What the tooltips of bins say. */
async function rangesOf(chart: charts.Chart): Promise<string> {
  const [{ transform }] = chart.spec["layer"] as [{ transform: object[] }];
  const layer = [{ transform, mark: "text", encoding: { text: { field: "range" } } }];
  return (await new charts.Chart({ ...chart.spec, layer }, "").toSVG()).replace(/<[^>]*>/g, "\n");
}

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

describe("edges", () => {
  const counted = (values: number[], options: object = {}) =>
    rowsOf<Cell>(charts.histogram(makeTable({ duration_ns: values }), { x: "duration_ns", ...options }));

  it("leave no value outside, on either scale, however large or close", () => {
    const cases = [[200, 5623], [1.7e15, 1.7e15 + 3, 1.7e15 + 9], [1.7e15], [2 ** 53 - 2, 2 ** 53 - 1], [1, 1000], [0.1, 0.7], [1e300, 3e300], [5e-324, 1e-300]]; // prettier-ignore
    for (const values of cases)
      for (const log of [true, false])
        for (const bins of [1, 7, 60, 200])
          assert.equal(
            total(counted(values, { log, bins }).map(({ count }) => count)),
            values.length,
            `${String(values)} ${log} ${bins}`,
          );
    const next = random(5);
    for (let i = 0; i < 2000; i++) {
      const size = 10 ** (18 * next());
      const values = Array.from({ length: 3 }, () => Math.ceil(size * next()) + (i % 3 ? 0 : next()));
      for (const log of [true, false])
        assert.equal(total(counted(values, { log }).map(({ count }) => count)), 3, `${String(values)} ${log}`);
    }
  });

  it("are written with all their digits, or marked as rounded", async () => {
    const text = (table: Parameters<typeof charts.histogram>[0], x: string, log = true) =>
      rangesOf(charts.histogram(table, { x, log, bins: 5 }));
    assert.match(await text(makeTable({ value: [58_720_256] }), "value", false), /\n40,000,000 to 60,000,000\n/);
    const whole = latency.histogram(makeTable({ count: [58_720_256, 58_720_257] }), { value: "count", steps: 8 });
    assert.deepEqual(whole.array("low"), [58_720_256]);
    const buckets = charts.buckets(whole, { low: "low", high: "high" });
    assert.match(await rangesOf(buckets), /58,720,256 to 62,914,560/);
    assert.match(
      await rangesOf(charts.buckets(makeTable({ low_ns: [2 ** 26], high_ns: [2 ** 27], count: [1] }))),
      /67\.108864 ms to 134\.217728 ms/,
    );
    assert.match(await text(makeTable({ value: [1.5, 37.25] }), "value"), /\n≈ 21\.54 to ≈ 46\.42\n/);
    assert.match(await text(makeTable({ read_bytes: [4096, 65536] }), "read_bytes"), /4 KiB to/);
  });

  it("have axis labels that differ from each other", async () => {
    const close = makeTable({
      a: Float64Array.from({ length: 10 }, (_, i) => 1.7e15 + i),
      start: ["x", ...Array<string>(9).fill("y")],
    });
    const many = makeTable({
      v: Float64Array.from({ length: 3000 }, (_, i) => i),
      g: Array.from({ length: 3000 }, (_, i) => `g${i % 2}`),
    });
    for (const chart of [
      charts.histogram(close, { x: "a" }),
      charts.histogram(many, { x: "v", by: "g" }),
      charts.histogram(makeTable({ v: [1, 2] }), { x: "v" }),
      charts.histogram(makeTable({ d_ns: [1e15, 1e15 + 1, 1e15 + 2] }), { x: "d_ns", log: false }),
    ]) {
      const svg = await chart.toSVG();
      for (const axis of svg.split("role-axis-label").slice(1)) {
        const labels = [...axis.split("role-axis-title")[0]!.matchAll(/<text[^>]*opacity="0\.85"[^>]*>([^<]+)</g)].map(
          ([, label]) => label!,
        );
        assert.deepEqual(labels, [...new Set(labels)]);
        assert.ok(
          labels.every((label) => !label.includes("…")),
          labels.join(),
        );
      }
    }
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
    assert.throws(() => labels({ order: "name" }), /order: expected "size" or "table", got "name"/);
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

describe("colours", () => {
  const colorsOf = (chart: charts.Chart) => {
    const [{ encoding }] = chart.spec["layer"] as [
      { encoding: { color: { scale: { domain: string[]; range: string[] } } } },
    ];
    const { domain, range } = encoding.color.scale;
    return Object.fromEntries(domain.map((name, i) => [name, range[i]!]));
  };

  it("belong to names, in every chart of a notebook", () => {
    const all = writes(4000);
    const some = all.filter((d: { comm: string }) => d.comm === "node" || d.comm === "nginx");
    const first = colorsOf(charts.histogram(all, { x: "duration_ns", by: "comm" }));
    for (const chart of [charts.ecdf(some, { x: "duration_ns", by: "comm" }), charts.timeline(some, { by: "comm" })])
      for (const [name, color] of Object.entries(colorsOf(chart))) assert.equal(color, first[name], name);
  });

  it("are the same in a new kernel, whichever group is the largest", () => {
    assert.deepEqual(
      new NameColors().colorsFor(["dd", "nginx", "postgres", "node"]).sort(),
      new NameColors().colorsFor(["node", "postgres", "nginx", "dd"]).sort(),
    );
    const [one, two] = [new NameColors(), new NameColors()];
    assert.equal(one.colorsFor(["dd", "nginx"])[0], two.colorsFor(["nginx", "dd"])[1]);
  });

  it("are never shared in one chart while there are colours left, and by no two names before that", () => {
    const colors = new NameColors([["a", "b", "c"], ["d"]]);
    const given = [...colors.colorsFor(["x", "y"]), ...colors.colorsFor(["z", "w"])];
    assert.deepEqual(given.sort(), ["a", "b", "c", "d"]);
    const next = random(3);
    for (let i = 0; i < 500; i++) {
      const names = Array.from({ length: 4 }, () => `n${Math.floor(30 * next())}`);
      const distinct = [...new Set(names)];
      assert.equal(new Set(colors.colorsFor(distinct)).size, distinct.length);
    }
    const many = colors.colorsFor(["1", "2", "3", "4", "5", "6", "7", "8"]);
    for (const color of ["a", "b", "c", "d"]) assert.equal(many.filter((given) => given === color).length, 2);
  });

  it("are told apart by dashes where a chart has more lines than colours, and it says so", () => {
    const names = Array.from({ length: 20 }, (_, i) => `process ${i}`);
    const table = makeTable({
      duration_ns: Float64Array.from({ length: 400 }, (_, i) => 1 + i),
      comm: Array.from({ length: 400 }, (_, i) => names[i % 20]),
    });
    const chart = charts.ecdf(table, { x: "duration_ns", by: "comm", top: 20 });
    type Scaled = { scale: { range: unknown[] } };
    const [{ encoding }] = chart.spec["layer"] as [{ encoding: { color: Scaled; strokeDash: Scaled } }];
    const looks = encoding.color.scale.range.map((color, i) =>
      JSON.stringify([color, encoding.strokeDash.scale.range[i]]),
    );
    assert.equal(new Set(looks).size, 20);
    assert.match(subtitleOf(chart), /20 groups share 16 colours/);
    const few = charts.ecdf(table, { x: "duration_ns", by: "comm", top: 3 });
    assert.ok(!JSON.stringify(few.spec).includes("strokeDash"));
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
