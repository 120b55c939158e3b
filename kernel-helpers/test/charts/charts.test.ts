import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ColumnTable, table as makeTable } from "arquero";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import { displaySymbol } from "../../dist/base/display.js";
import { captured, writes } from "../tables/events.js";

type Drawn = charts.Chart;

/** Every chart of this module, drawn from one table of writes. */
const every: Record<string, (table: ColumnTable) => Drawn> = {
  histogram: (table) => charts.histogram(table, { x: "duration_ns", by: "comm" }),
  ecdf: (table) => charts.ecdf(table, { x: "duration_ns", by: "comm" }),
  heatmap: (table) => charts.heatmap(table, { x: "start_ns", y: "duration_ns" }),
  timeline: (table) => charts.timeline(table, { x: "start_ns", by: "comm" }),
  bar: (table) => charts.bar(table, { x: "comm", y: "count" }),
};

const rowsOf = (chart: Drawn) => (chart.spec["data"] as { values: Record<string, never>[] }).values;

/**
 * Compiles and runs the specification as a browser would, and gives back what it complained about,
 * but for the one thing that a browser has and this test has not.
 */
async function complaints(chart: Drawn): Promise<string[]> {
  const said: string[] = [];
  const note = (...args: readonly unknown[]) => (said.push(args.join(" ")), logger);
  const logger = { level: (() => logger) as never, error: note, warn: note, info: () => logger, debug: () => logger };
  const { spec } = compile(chart.spec as unknown as TopLevelSpec, { logger: logger as never });
  const view = new vega.View(vega.parse(spec), { renderer: "none", logger: logger as never });
  await view.toSVG();
  view.finalize();
  return said.filter((complaint) => complaint !== "Can not resolve event source: window");
}

for (const [name, draw] of Object.entries(every)) {
  describe(`charts.${name}`, () => {
    it("says what, when, where and from how many events", () => {
      const { title } = draw(captured(writes(500))).spec as unknown as { title: { text: string; subtitle: string } };
      assert.match(title.text, /\w+ (of|by|over|per) \w+/);
      assert.match(title.subtitle, /^2026-01-02T03:04Z · Linux \S+ · 500 (events|rows from 500 events), 0 lost/);
      assert.match(
        (draw(captured(writes(500), 12_000, 345)).spec["title"] as { subtitle: string }).subtitle,
        / events, 12,345 lost/,
      );
      assert.doesNotMatch(
        (draw(writes(500)).spec["title"] as { subtitle: string }).subtitle,
        /lost/,
        "nobody knows of a table made by hand",
      );
    });

    it("compiles and draws without a complaint", async () => {
      assert.deepEqual(await complaints(draw(captured(writes(500), 3))), []);
      assert.deepEqual(await complaints(draw(writes(0))), []);
      assert.deepEqual(await complaints(draw(writes(1))), []);
    });

    it("gives a notebook the specification, a picture and a line of text", async () => {
      const bundle = await draw(writes(500))[displaySymbol]();
      assert.deepEqual(Object.keys(bundle).sort(), ["application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"]);
      assert.equal(
        (bundle["application/vnd.vegalite.v5+json"] as { $schema: string }).$schema,
        "https://vega.github.io/schema/vega-lite/v5.json",
      );
      assert.match(bundle["image/svg+xml"] as string, /^<svg [^>]*>.*<path.*<\/svg>$/s);
      assert.equal((bundle["text/plain"] as string).split("\n").length, 1);
    });

    it("shows what was lost, in words and in a colour of its own", async () => {
      const lossy = captured(writes(300), 20, 5).filter((d: { fd: number }) => d.fd === 1);
      const svg = await draw(lossy).toSVG();
      assert.match(
        svg,
        /fill="#b34a00"[^>]*>Incomplete: of 325 events 20 lost in the kernel \(ring full\) and 5 dropped at the memory bound, 7\.7 %\.</,
      );
      assert.match(draw(lossy).text, /Incomplete/);
      assert.ok(!(await draw(captured(writes(300))).toSVG()).includes("Incomplete"));
    });

    it("draws no events as a message, not as an error", async () => {
      for (const none of [writes(0), writes(20).filter(() => false), captured(writes(0), 9)]) {
        const svg = await draw(none).toSVG();
        assert.match(svg, />no events</);
      }
      assert.match(await draw(captured(writes(0), 9)).toSVG(), /Incomplete/);
    });

    it("draws one event, and events that are all alike", async () => {
      assert.match(await draw(writes(1)).toSVG(), /<path/);
      const alike = makeTable({ start_ns: [5, 5, 5], duration_ns: [7, 7, 7], count: [1, 1, 1], comm: ["a", "a", "a"] });
      assert.ok(rowsOf(draw(alike)).length > 0);
      const svg = await draw(alike).toSVG();
      assert.ok(!/NaN|Infinity|undefined/.test(svg));
    });

    it("names the columns there are when one is missing", () => {
      const table = makeTable({ nothing: [1], else_ns: [2] });
      assert.throws(
        () => draw(table),
        (error: Error) =>
          error instanceof ArgumentError && /There is no column .* nothing, else_ns\./.test(error.message),
      );
    });

    it("takes names of processes for data", async () => {
      const evil = [
        "<img src=x onerror=alert(1)>",
        "datum.x",
        "'+alert(1)+'",
        "a]b[c.d",
        "constructor",
        "__proto__",
        "x\u202ey\u001b\u0000",
        "&amp;",
      ];
      const chart = draw(captured(writes(400, evil)));
      assert.deepEqual(await complaints(chart), []);
      const svg = await chart.toSVG();
      assert.ok(!/<img|[\u0000-\u0008\u000b-\u001f\u202e]/.test(svg));
      if (name !== "heatmap") {
        for (const text of [
          "&lt;img src=x onerror=",
          "datum.x",
          "'+alert(1)+'",
          "a]b[c.d",
          "constructor",
          "__proto__",
          "x\\u202ey\\x1b\\x00",
          "&amp;amp;",
        ])
          assert.ok(svg.includes(text), text);
      }
    });

    it("takes fields whose names are paths or have brackets", async () => {
      const odd = writes(50).rename({
        start_ns: "req.start_ns",
        duration_ns: "lat[0].d_ns",
        count: "a\\b.count",
        comm: "task.comm['x']",
      });
      const chart = {
        histogram: () => charts.histogram(odd, { x: "lat[0].d_ns", by: "task.comm['x']" }),
        ecdf: () => charts.ecdf(odd, { x: "lat[0].d_ns", by: "task.comm['x']" }),
        heatmap: () => charts.heatmap(odd, { x: "req.start_ns", y: "lat[0].d_ns" }),
        timeline: () => charts.timeline(odd, { x: "req.start_ns", by: "task.comm['x']" }),
        bar: () => charts.bar(odd, { x: "task.comm['x']", y: "a\\b.count" }),
      }[name]!();
      assert.deepEqual(await complaints(chart), []);
      assert.ok(rowsOf(chart).length > 0);
      assert.match(await chart.toSVG(), /<path/);
    });

    it("sends the page a few thousand rows at most, of however many events", () => {
      const many = writes(
        300_000,
        Array.from({ length: 40 }, (_, i) => `worker-${i}`),
      );
      const chart = draw(many);
      assert.ok(rowsOf(chart).length <= (name === "heatmap" ? 120 * 60 : 2000), `${rowsOf(chart).length} rows`);
      assert.ok(JSON.stringify(chart.spec).length < 500_000);
    });

    it("does not write into the table", () => {
      const table = writes(1000);
      const before = Float64Array.from(table.array("duration_ns"));
      draw(table);
      assert.deepEqual(Float64Array.from(table.array("duration_ns")), before);
    });
  });
}

describe("a timeline of counts, with what to compare it with", () => {
  const rates = () =>
    makeTable({
      time_ns: [0, 1e9, 2e9, 0, 1e9, 2e9],
      requests: [10, 20, 30, 1, 2, 3],
      source: ["a", "a", "a", "b", "b", "b"],
    });
  const options = {
    x: "time_ns",
    weight: "requests",
    by: "source",
    stack: false,
    every: 1,
    rules: [{ value: 25, label: "limit <b>" }],
    marks: [{ at: 1.5e9, label: "blocked\u202e" }],
  } as const;

  it("adds the column up", () => {
    const chart = charts.timeline(rates(), options);
    const of = (group: string) =>
      rowsOf(chart)
        .filter((row) => row["group"] === group)
        .map((row) => row["rate"]);
    assert.deepEqual(of("a"), [10, 50, 50]);
    assert.deepEqual(of("b"), [1, 5, 5]);
    assert.match(chart.text, /^Requests per second by source .*66 requests/);
  });

  it("draws lines, rules and marks, whose names are data", async () => {
    const chart = charts.timeline(rates(), options);
    assert.deepEqual(await complaints(chart), []);
    const svg = await chart.toSVG();
    assert.match(svg, /limit &lt;b&gt;</);
    assert.match(svg, /blocked\\u202e</);
    assert.match(svg, /stroke-dasharray="6,4"/);
  });

  it("checks them", () => {
    assert.throws(() => charts.timeline(rates(), { ...options, weight: "source" }), /needs numbers/);
    assert.throws(
      () => charts.timeline(rates(), { ...options, rules: [{ value: NaN, label: "" }] }),
      /the value of a rule: expected a number, got NaN/,
    );
    assert.throws(
      () => charts.timeline(rates(), { ...options, marks: [{ at: NaN, label: "" }] }),
      /the moment of a mark: expected a number/,
    );
  });
});

describe("a chart's options", () => {
  it("replace title and size", () => {
    const { spec } = charts.histogram(writes(50), { x: "duration_ns", title: "Mine\u202e", width: 300, height: 100 });
    assert.equal((spec["title"] as { text: string }).text, "Mine\\u202e");
    assert.deepEqual([spec["width"], spec["height"]], [300, 100]);
  });

  it("are checked", () => {
    const bad: [() => unknown, RegExp][] = [
      [() => charts.histogram(writes(5), {} as never), /charts\.histogram needs the name of a column for x/],
      [() => charts.histogram(writes(5), { x: "comm" }), /needs numbers/],
      [() => charts.histogram(writes(5), { x: "pid", bins: 0 }), /bins: expected an integer from 1 to 200, got 0/],
      [() => charts.histogram(writes(5), { x: "pid", by: "nobody" }), /no column "nobody"/],
      [() => charts.ecdf(writes(5), { x: "pid", by: "comm", top: 0 }), /top: expected .*, got 0/],
      [() => charts.heatmap(writes(5), { xBins: 500 }), /xBins: expected an integer from 1 to 120, got 500/],
      [() => charts.heatmap(writes(5), { x: "pid" }), /must be a time.*"pid"/],
      [() => charts.timeline(writes(5), { every: -1 }), /every: expected a number above 0, got -1/],
      [() => charts.bar(writes(5), { x: "pid", y: "comm" }), /swap them/],
    ];
    for (const [run, message] of bad)
      assert.throws(run, (error: Error) => error instanceof ArgumentError && message.test(error.message));
  });
});
