import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import * as latency from "../../dist/tables/latency.js";
import { random } from "../tables/events.js";
import { rangesOf, rowsOf, total } from "./parts.js";

type Cell = { low: number; high: number; count: number; group: string; t0: number; t1: number };

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
