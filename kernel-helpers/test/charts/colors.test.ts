import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { table as makeTable } from "arquero";
import * as charts from "../../dist/api/charts.js";
import { NameColors } from "../../dist/charts/colors.js";
import { random, writes } from "../tables/events.js";
import { subtitleOf } from "./parts.js";

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
