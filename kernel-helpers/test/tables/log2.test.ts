import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aq, ArgumentError, changes, charts, latency } from "../../dist/api/index.js";
import { ListColumn } from "../../dist/streams/event-columns.js";

/** Rows as the program stats keeps them, of known durations. */
function kept(...rows: { comm: string; durations: number[] }[]) {
  const slots = rows.flatMap(({ durations }) => {
    const counts = new Array<number>(40).fill(0);
    for (const ns of durations) counts[Math.min(39, ns < 2 ? 0 : Math.floor(Math.log2(ns)))]!++;
    return counts;
  });
  return aq.table({
    comm: rows.map(({ comm }) => comm),
    writes: Float64Array.from(rows, ({ durations }) => durations.length),
    total_ns: Float64Array.from(rows, ({ durations }) => durations.reduce((sum, ns) => sum + ns, 0)),
    min_ns: Float64Array.from(rows, ({ durations }) => Math.min(...durations)),
    max_ns: Float64Array.from(rows, ({ durations }) => Math.max(...durations)),
    histogram: new ListColumn(Float64Array.from(slots), 40) as never,
  });
}

const a = { comm: "a", durations: [0, 1, 5, 6, 7, 100] };
const b = { comm: "b", durations: [5, 2 ** 39, 2 ** 45] };

describe("histograms that the kernel kept", () => {
  test("buckets: a row a bucket, from the first to the last that counted anything", () => {
    assert.deepEqual(latency.buckets(kept(a)).objects(), [
      { low_ns: 0, high_ns: 2, count: 2, share: 2 / 6 },
      { low_ns: 2, high_ns: 4, count: 0, share: 0 },
      { low_ns: 4, high_ns: 8, count: 3, share: 3 / 6 },
      ...[3, 4, 5].map((slot) => ({ low_ns: 2 ** slot, high_ns: 2 ** (slot + 1), count: 0, share: 0 })),
      { low_ns: 64, high_ns: 128, count: 1, share: 1 / 6 },
    ]);
  });

  test("buckets add up by group, and follow a filter", () => {
    const table = kept(a, b, a);
    const by = latency
      .buckets(table, { by: "comm" })
      .filter((row: { count: number }) => row.count > 0)
      .select("comm", "low_ns", "count")
      .objects();
    assert.deepEqual(by, [
      ...[
        [0, 4],
        [4, 6],
        [64, 2],
      ].map(([low_ns, count]) => ({ comm: "a", low_ns, count })),
      ...[
        [4, 1],
        [2 ** 39, 2],
      ].map(([low_ns, count]) => ({ comm: "b", low_ns, count })),
    ]);
    const all = latency.buckets(table.filter((row: { comm: string }) => row.comm === "b"));
    assert.deepEqual(
      all
        .filter((row: { count: number }) => row.count > 0)
        .select("low_ns", "count")
        .objects(),
      [
        { low_ns: 4, count: 1 },
        { low_ns: 2 ** 39, count: 2 },
      ],
    );
    assert.equal(latency.buckets(kept()).numRows(), 0);
    const many = kept(...Array.from({ length: 50_000 }, (_, i) => ({ comm: `c${i}`, durations: [1, 2, 4, 8] })));
    assert.equal(latency.buckets(many, { by: "comm" }).numRows(), 200_000);
  });

  test("the same buckets as those of the events themselves", () => {
    const durations = Array.from({ length: 1000 }, (_, i) => Math.floor(1.02 ** i) + 3);
    const exact = latency.histogram(aq.table({ duration_ns: Float64Array.from(durations) }));
    assert.deepEqual(latency.buckets(kept({ comm: "c", durations })).objects(), exact.objects());
  });

  test("estimates: an exact average, and bounds that hold the exact percentile", () => {
    for (const durations of [a.durations, b.durations, Array.from({ length: 1000 }, (_, i) => i + 1), [7], [0, 0, 0]]) {
      const row = latency
        .estimates(kept({ comm: "c", durations }), { percentiles: [1, 50, 90, 99.9] })
        .object() as Record<string, number>;
      assert.equal(row["mean_ns"], durations.reduce((sum, ns) => sum + ns, 0) / durations.length);
      const sorted = [...durations].sort((x, y) => x - y);
      for (const [p, name] of [
        [1, "p1"],
        [50, "p50"],
        [90, "p90"],
        [99.9, "p999"],
      ] as const) {
        const exact = sorted[Math.ceil((durations.length * p) / 100) - 1]!;
        const [from, to, estimate] = [row[`${name}_from_ns`]!, row[`${name}_to_ns`]!, row[`${name}_est_ns`]!];
        assert.ok(from <= exact && exact <= to, `${name} of ${durations.length}: ${exact} is not in ${from} to ${to}`);
        assert.ok(estimate >= from && estimate <= Math.max(to, 1), `${name}: ${estimate} is not in ${from} to ${to}`);
      }
    }
  });

  test("estimates keep the table's rows and order, and say what they need", () => {
    const table = latency.estimates(kept(a, b).orderby(aq.desc("writes")).reify());
    assert.deepEqual(table.array("comm"), ["a", "b"]);
    assert.deepEqual(table.columnNames().slice(-10), [
      "mean_ns",
      ...["p50", "p90", "p99"].flatMap((p) => [`${p}_est_ns`, `${p}_from_ns`, `${p}_to_ns`]),
    ]);
    assert.throws(() => latency.estimates(kept(a), { percentiles: [100] }), {
      name: "ArgumentError",
      message: "percentiles: expected a number between 0 and 100, got 100.",
    });
    assert.throws(() => latency.estimates(kept(a), { histogram: "comm" }), {
      message: /needs an array of counts a row, and column "comm" holds none/,
    });
    assert.throws(() => latency.estimates(kept(a), { histogram: "no" }), ArgumentError);
  });

  test("a chart of buckets: a bar each, log axis, the first bucket with a place on it", () => {
    const { spec, text } = charts.buckets(latency.buckets(kept(a, b), { by: "comm" }), { by: "comm" });
    const values = (spec as unknown as { data: { values: Record<string, unknown>[] } }).data.values;
    const bars = values.filter(({ count }) => count !== 0); // between them the outline goes down to 0
    assert.deepEqual(
      bars.map(({ group, low, high, count }) => [group, low, high, count]),
      [
        ["a", 1, 2, 2],
        ["a", 4, 8, 3],
        ["a", 64, 128, 1],
        ["b", 4, 8, 1],
        ["b", 2 ** 39, 2 ** 40, 2],
      ],
    );
    assert.match(text, /^Histogram of duration by comm \|.* 9 events/);
    assert.match(charts.buckets(latency.buckets(kept())).text, /no events/);
  });

  test("a heat map of buckets: a column for each time, from the time before to its own", () => {
    const table = aq.table({
      time_ns: [2e9, 2e9, 3e9, 5e9],
      low_ns: [0, 4, 4, 8],
      high_ns: [2, 8, 8, 16],
      count: [1, 2, 3, 0],
    });
    const valuesOf = ({ spec }: charts.Chart) =>
      (spec as unknown as { data: { values: Record<string, number>[] } }).data.values;
    const chart = charts.bucketHeatmap(table);
    assert.deepEqual(
      valuesOf(chart).map(({ t0, t1, low, high, count }) => [t0, t1, low, high, count]),
      [
        [0, 1, 1, 2, 1],
        [0, 1, 4, 8, 2],
        [1, 2, 4, 8, 3],
      ],
    );
    assert.match(chart.text, /^Duration over time \| .* 6 events/);
    const long = aq.table({
      time_ns: Float64Array.from({ length: 250 }, (_, i) => i * 1e9),
      low_ns: new Float64Array(250).fill(4),
      high_ns: new Float64Array(250).fill(8),
      count: new Float64Array(250).fill(1),
    });
    const cells = valuesOf(charts.bucketHeatmap(long));
    assert.equal(cells.length, 84);
    assert.equal(
      cells.reduce((sum, { count }) => sum + count!, 0),
      250,
    );
    assert.match(charts.bucketHeatmap(long).text, /3 times in each column/);
    assert.match(charts.bucketHeatmap(table.filter(() => false)).text, /no events/);
  });
});

describe("changes of counters", () => {
  const state = (time_ns: number, rows: [pid: number, writes: number, slots: number[]][]) =>
    aq.table({
      time_ns: new Float64Array(rows.length).fill(time_ns),
      pid: rows.map(([pid]) => pid),
      writes: Float64Array.from(rows, ([, writes]) => writes),
      max_ns: rows.map(() => 9),
      histogram: new ListColumn(Float64Array.from(rows.flatMap(([, , slots]) => slots)), 2) as never,
    });
  const grown = (before: Parameters<typeof state>[1], after: Parameters<typeof state>[1]) =>
    (
      changes(state(1e9, before), state(3.5e9, after), { by: "pid", of: ["writes", "histogram"] }).objects() as {
        pid: number;
        writes: number;
        histogram: ArrayLike<number>;
        seconds: number;
        max_ns: number;
      }[]
    ).map((row) => [row.pid, row.writes, [...(row.histogram as Float64Array)], row.seconds, row.max_ns]);

  test("growth by row; what is new, or began anew, grows from zero", () => {
    assert.deepEqual(
      grown(
        [
          [1, 5, [2, 3]],
          [2, 7, [7, 0]],
          [4, 1, [1, 0]],
        ],
        [
          [2, 9, [8, 1]],
          [3, 2, [0, 2]],
          [1, 5, [2, 3]],
          [4, 6, [0, 6]],
        ],
      ),
      [
        [2, 2, [1, 1], 2.5, 9],
        [3, 2, [0, 2], 2.5, 9],
        [1, 0, [0, 0], 2.5, 9],
        [4, 6, [0, 6], 2.5, 9],
      ],
    );
    assert.deepEqual(
      grown([], [[1, 5, [2, 3]]]),
      [[1, 5, [2, 3], NaN, 9]],
      "an empty table does not say when it was read",
    );
  });

  test("a column that is not there is an error", () => {
    assert.throws(() => changes(state(0, []), state(1, []), { by: "tid", of: "writes" }), ArgumentError);
    assert.throws(() => changes(state(0, []), state(1, []), { by: "pid", of: "reads" }), ArgumentError);
  });

  test("lines over time: a point a row, in order", () => {
    const table = aq.table({ time_ns: [3e9, 1e9, 2e9], rate: [30, 10, 20], comm: ["a", "a", "b"] });
    const { spec, text } = charts.lines(table, { y: "rate", by: "comm" });
    const values = (spec as unknown as { data: { values: Record<string, unknown>[] } }).data.values;
    assert.deepEqual(
      values.map(({ t, value, group }) => [t, value, group]),
      [
        [0, 10, "a"],
        [2, 30, "a"],
        [1, 20, "b"],
      ],
    );
    assert.match(text, /^Rate over time by comm \| .* 3 rows/);
    assert.throws(() => charts.lines(table, { y: "rates" }), ArgumentError);
    const peak = 4321;
    const many = aq.table({
      time_ns: Float64Array.from({ length: 10_000 }, (_, i) => i * 1e9),
      rate: Float64Array.from({ length: 10_000 }, (_, i) => (i === peak ? 7 : 0)),
    });
    const thinned = charts.lines(many, { y: "rate" });
    const { data } = thinned.spec as unknown as {
      data: { values: Record<string, number>[] };
    };
    assert.ok(data.values.length <= 2000, `${data.values.length} points for 10,000 rows`);
    assert.deepEqual(
      data.values.filter(({ value }) => value === 7).map(({ t }) => t),
      [peak],
      "the one peak stays",
    );
    assert.match(thinned.text, /least and largest value of every/);
  });
});
