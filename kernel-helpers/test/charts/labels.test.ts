/** What stands on a drawn chart, as a reader meets it: labels, units, what is left out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { markCapture } from "../../dist/streams/capture.js";
import { provenance } from "../../dist/streams/clock.js";
import { captured, random } from "../tables/events.js";

const subtitleOf = (chart: charts.Chart) => (chart.spec["title"] as { subtitle: string }).subtitle;
const describe = (chart: charts.Chart) => chart.spec["description"] as string;

/** The texts of a drawn chart, in its order, those that are hidden left out. */
async function textsOf(chart: charts.Chart): Promise<string[]> {
  const svg = await chart.toSVG();
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)</g)].filter(([, how]) => !/opacity="0"/.test(how!)).map(([, , text]) => text!); // prettier-ignore
}

test("no label of an axis of identifiers stands there twice", async () => {
  const errno = Array.from({ length: 400 }, (_, i) => i % 4);
  const texts = await textsOf(charts.histogram(makeTable({ errno }), { x: "errno" }));
  for (const label of ["1", "2", "3", "4"]) assert.equal(texts.filter((text) => text === label).length, 1, label);
});

test("values that are no numbers are counted as left out", () => {
  const table = makeTable({ start_ns: [1, 2, 3, 4], duration_ns: [NaN, Infinity, 5, 7] });
  for (const chart of [
    charts.histogram(table, { x: "duration_ns" }),
    charts.ecdf(table, { x: "duration_ns" }),
    charts.percentiles(table),
    charts.heatmap(table),
  ])
    assert.match(subtitleOf(chart), /4 events · 2 without a finite number left out/);
});

test("of a single event no rate is made up, and no part of a nanosecond", async () => {
  const one = captured(makeTable({ start_ns: [5], duration_ns: [7] }));
  assert.match(subtitleOf(charts.timeline(one)), /intervals of 1 s$/);
  assert.match(describe(charts.timeline(one)), /between 1 and 1 events per second/);
  assert.ok(!(await textsOf(charts.heatmap(one))).some((text) => /^0\.0\d+ ns$/.test(text)));
  assert.match(describe(charts.percentiles(one)), /lost\. maximum 7 ns\.$/);
  assert.doesNotMatch(describe(charts.ecdf(one, { x: "duration_ns" })), /half/i);
  const flame = charts.flamegraph(makeTable({ stack: ["main"], count: [1] }));
  assert.match(subtitleOf(flame), /1 sample in 1 stack$/);
});

test("bytes have one kind of unit in title, axis, bars and words", async () => {
  const table = makeTable({
    time_ns: [0, 1e9, 2e9],
    read_bytes: [2 ** 30, 2 ** 29, 1.5 * 2 ** 30],
    comm: ["a", "b", "c"],
  });
  const drawn = [
    charts.timeline(table, { x: "time_ns", weight: "read_bytes", every: 1 }),
    charts.bar(table, { x: "comm", y: "read_bytes" }),
    charts.lines(table, { y: "read_bytes" }),
  ];
  for (const chart of drawn) {
    const texts = await textsOf(chart);
    for (const label of ["0 B", "512 MiB", "1 GiB"]) assert.ok(texts.includes(label), `${label} in ${texts.join()}`);
    assert.ok(!texts.some((text) => /_bytes|,000/.test(text)), texts.join());
  }
  assert.match(subtitleOf(drawn[0]!), / · 3 GiB · /);
});

test("figures stand beside their bars, not on them, and bars beside each other have room for theirs", async () => {
  const svg = await charts.bar(makeTable({ name: ["a", "b"], value: [-5, 3] }), { x: "name", y: "value" }).toSVG();
  assert.match(svg, /<text [^>]*text-anchor="end"[^>]*>−5</);
  assert.match(svg, /<text [^>]*text-anchor="start"[^>]*>3</);
  const names = Array.from({ length: 100 }, (_, i) => `name ${i}`);
  const many = charts.bar(makeTable({ name: names, value: names.map((_, i) => i) }), {
    x: "name",
    y: "value",
    top: 100,
  });
  assert.ok((many.spec["height"] as number) >= 1400);
  const texts = await textsOf(many);
  for (const name of names) assert.ok(texts.includes(name), name);
});

test("long names that differ at their ends stay different", async () => {
  const names = ["a", "b"].map((end) => `/var/lib/postgresql/15/main/base/16384/some/where/deep/${end}.dat`);
  const table = makeTable({ path: [...names, ...names], duration_ns: [1, 2, 3, 4] });
  for (const chart of [charts.bar(table, { x: "path" }), charts.ecdf(table, { x: "duration_ns", by: "path" })]) {
    const texts = await textsOf(chart);
    for (const end of ["a", "b"]) assert.ok(texts.some((text) => /^\/var.+….+$/.test(text) && text.endsWith(`${end}.dat`)), texts.join()); // prettier-ignore
  }
});

test("long times are in minutes and hours, and a clock has ticks at full ones", async () => {
  const next = random(5);
  const over = (seconds: number) =>
    makeTable({ start_ns: Float64Array.from({ length: 50 }, (_, i) => (i === 0 ? 0 : i === 1 ? seconds * 1e9 : next() * seconds * 1e9)) }); // prettier-ignore
  assert.ok((await textsOf(charts.timeline(over(3600)))).includes("20 min"));
  assert.ok((await textsOf(charts.timeline(over(86_400)))).includes("12 h"));
  const account = { ...provenance(), source: "rb", rows: 50, lost: 0, dropped: 0, startedAt: 0, endedAt: 1 };
  const clocked = await textsOf(charts.timeline(markCapture(over(18_000), account), { clock: true }));
  const times = clocked.filter((text) => /^\d\d:\d\d:\d\d$/.test(text));
  assert.ok(times.length >= 3 && times.every((time) => time.endsWith(":00:00")), times.join());
});

test("a log axis of a decade or so names 1, 2 and 5, not 600 to 900 and then 2,000", async () => {
  const labels = async (low: string, high: string) => {
    const slots = makeTable({ [low]: [512, 1024, 2048], [high]: [1024, 2048, 4096], count: [4, 2, 2] });
    const texts = await textsOf(charts.buckets(slots, { low, high }));
    return texts.filter((text) => /^[\d,.]+ (KiB|B|ns|µs)$|^\d,\d{3}$|^\d{3}$/.test(text));
  };
  assert.deepEqual(await labels("low", "high"), ["1,000", "2,000"]);
  assert.deepEqual(await labels("low_ns", "high_ns"), ["1 µs", "2 µs"]);
  assert.deepEqual(await labels("low_bytes", "high_bytes"), ["512 B", "1 KiB", "2 KiB", "4 KiB"]);
});

test("an axis of buckets is of what they hold", () => {
  for (const [low, high, said] of [
    ["low_ns", "high_ns", "duration"],
    ["low_bytes", "high_bytes", "size"],
    ["low_pages", "high_pages", "pages"],
    ["low", "high", "value"],
    ["write_low_ns", "write_high_ns", "write duration"],
  ] as const) {
    const slots = makeTable({ [low]: [512, 1024], [high]: [1024, 2048], count: [4, 2], time_ns: [1, 2], seconds: [1, 1] }); // prettier-ignore
    assert.match(charts.buckets(slots, { low, high }).text, new RegExp(`^Histogram of ${said} \\|`));
  }
});
