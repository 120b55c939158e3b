import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import { captured, random } from "../tables/events.js";

interface Box {
  name: string;
  depth: number;
  x0: number;
  x1: number;
  value: number;
  self: number;
  ofAll: number;
  ofCaller: number;
  change?: number;
}

const boxesOf = (chart: charts.Chart) => (chart.spec["data"] as { values: Box[] }).values;
const named = (chart: charts.Chart, name: string, depth: number) =>
  boxesOf(chart).find((box) => box.name === name && box.depth === depth)!;

describe("a flame graph", () => {
  const stacks = makeTable({
    stack: ["main;read;copy", "main;read", "main;write;copy", "idle", "main;read;copy"],
    count: [30, 10, 20, 20, 20],
  });

  it("has a box for each way that a function was called, as wide as its share", () => {
    const chart = charts.flamegraph(stacks);
    assert.deepEqual(
      boxesOf(chart).map(({ name, depth, value, self }) => [name, depth, value, self]),
      [
        ["all", 0, 100, 0],
        ["idle", 1, 20, 20],
        ["main", 1, 80, 0],
        ["read", 2, 60, 10],
        ["copy", 3, 50, 50],
        ["write", 2, 20, 0],
        ["copy", 3, 20, 20],
      ],
    );
    for (const { x0, x1, ofAll } of boxesOf(chart)) assert.ok(Math.abs(x1 - x0 - ofAll) < 1e-12);
    assert.equal(named(chart, "read", 2).ofCaller, 0.75);
    assert.match(chart.text, /^Flame graph of samples \| .*100 samples in 5 stacks/);
    assert.match(String(chart.spec["description"]), /By itself: copy 70\.0 %, idle 20\.0 %, read 10\.0 %\./);
  });

  it("stacks up several columns, by themselves where they are a probe's", () => {
    const table = makeTable({
      comm: ["a;b", "c"],
      user_stack: ["main;read", ""],
      kernel_stack: ["entry;vfs_read", "kthread"],
      count: [3, 1],
    });
    for (const chart of [
      charts.flamegraph(table),
      charts.flamegraph(table, { stack: ["comm", "user_stack", "kernel_stack"] }),
    ])
      assert.deepEqual(
        boxesOf(chart).map(({ name, depth, value }) => [name, depth, value]),
        [
          ["all", 0, 4],
          ["a:b", 1, 3],
          ["main", 2, 3],
          ["read", 3, 3],
          ["entry_[k]", 4, 3],
          ["vfs_read_[k]", 5, 3],
          ["c", 1, 1],
          ["kthread_[k]", 2, 1],
        ],
      );
    assert.ok(named(charts.flamegraph(table, { stack: "kernel_stack" }), "vfs_read", 2));
    assert.throws(() => charts.flamegraph(table, { stack: ["comm", "stack"] as never }), /no column "stack"|stack/);
  });

  it("stands on its callers, whatever the stacks: boxes of one row do not overlap", () => {
    const next = random(11);
    const name = () => `f${Math.floor(12 * next())}`;
    const table = makeTable({
      stack: Array.from({ length: 800 }, () => Array.from({ length: 1 + Math.floor(9 * next()) }, name).join(";")),
      count: Array.from({ length: 800 }, () => Math.floor(50 * next())),
    });
    const boxes = boxesOf(charts.flamegraph(table));
    const below = (box: Box) =>
      boxes.filter(({ depth, x0, x1 }) => depth === box.depth - 1 && x0 <= box.x0 + 1e-12 && x1 >= box.x1 - 1e-12);
    for (const box of boxes.slice(1)) assert.equal(below(box).length, 1, box.name);
    for (let depth = 0; depth < 9; depth++) {
      const row = boxes.filter((box) => box.depth === depth).sort((a, b) => a.x0 - b.x0);
      row.slice(1).forEach((box, i) => assert.ok(box.x0 >= row[i]!.x1 - 1e-12));
    }
  });

  it("counts rows without a column of numbers, and writes times as such", () => {
    const chart = charts.flamegraph(makeTable({ stack: ["a;b", "a;b", "a;c"] }));
    assert.equal(named(chart, "b", 2).value, 2);
    const timed = charts.flamegraph(makeTable({ stack: ["a;b"], wait_ns: [1_500_000] }), { value: "wait_ns" });
    assert.match(timed.text, /Flame graph of wait \| .*1\.5 ms in 1 stacks?/);
  });

  it("compares with another: by shares, not by counts", () => {
    const chart = charts.flamegraph(makeTable({ stack: ["a", "b", "c"], count: [50, 25, 25], before: [200, 200, 0] }), {
      base: "before",
    });
    assert.equal(named(chart, "a", 1).change, 0);
    assert.equal(named(chart, "b", 1).change, -1);
    assert.equal(named(chart, "c", 1).change, 2);
    assert.equal(named(chart, "all", 0).change, 0);
  });

  it("gives a function the same colour in every flame graph", () => {
    const colorOf = (chart: charts.Chart) => (named(chart, "copy", 3) as unknown as { color: string }).color;
    assert.match(colorOf(charts.flamegraph(stacks)), /^#[0-9a-f]{6}$/);
    assert.equal(
      colorOf(charts.flamegraph(stacks)),
      colorOf(charts.flamegraph(makeTable({ stack: ["x;y;copy"], count: [1] }))),
    );
  });

  it("takes names for data, also those that objects have already", async () => {
    const chart = charts.flamegraph(
      makeTable({ stack: ["<img src=x>;__proto__;constructor;a\u202eb", "", ";;x;"], count: [5, 3, 2] }),
    );
    assert.deepEqual(
      boxesOf(chart).map(({ name }) => name),
      ["all", "<img src=x>", "__proto__", "constructor", "a\\u202eb", "[unknown]", "[unknown]", "x"],
    );
    const svg = await chart.toSVG();
    assert.ok(svg.includes("&lt;img src=x&gt;") && !/<img|\u202e/.test(svg));
  });

  it("keeps to some thousand boxes, and says what is left out", () => {
    const table = makeTable({
      stack: Array.from({ length: 30_000 }, (_, i) => `main;f${i % 100};g${i}`),
      count: new Float64Array(30_000).fill(1),
    });
    const chart = charts.flamegraph(table);
    assert.ok(boxesOf(chart).length <= 4000, `${boxesOf(chart).length} boxes`);
    assert.match(chart.text, /30,000 boxes narrower than 0\.04 % left out/);
  });

  it("draws nothing as a message, and says what was lost", async () => {
    for (const none of [makeTable({ stack: [], count: [] }), makeTable({ stack: ["a"], count: [0] })])
      assert.match(await charts.flamegraph(none).toSVG(), />no events</);
    assert.match(await charts.flamegraph(captured(stacks, 7)).toSVG(), /Incomplete: of 12 events 7 lost/);
  });

  it("refuses what is no stack and no number", () => {
    for (const [options, message] of [
      [{ stack: "count" }, /needs folded stacks such as "main;read;copy", and column "count" holds none/],
      [{ stack: "nothing" }, /no column "nothing"/],
      [{ value: "stack" }, /needs numbers/],
    ] as const)
      assert.throws(
        () => charts.flamegraph(stacks, options as object),
        (error: Error) => error instanceof ArgumentError && message.test(error.message),
      );
  });
});
