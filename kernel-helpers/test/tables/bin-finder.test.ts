import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linearEdges, logEdges } from "../../dist/charts/bins.js";
import { binFinder, binOf } from "../../dist/tables/bin-finder.js";
import { doublingEdges } from "../../dist/tables/distribution.js";
import { random } from "./events.js";

const next = random(3);
const sets: Record<string, number[]> = {
  "linear from 0": linearEdges(0, 100, 50),
  "linear across 0": linearEdges(-3.2, 7.9, 100),
  "linear below 0": linearEdges(-90, -10, 40),
  "linear, far from 0": linearEdges(3.6e12, 3.6e12 + 5e6, 100),
  logarithmic: logEdges(120, 1.7e9, 60),
  "logarithmic, below 1": logEdges(1e-9, 0.25, 60),
  doubling: doublingEdges(0, 1e7, 8),
  "doubling, with negative values": doublingEdges(-4, 1000, 1),
  "one bin": [5, 6],
  "one bin up to 0": [-1, 0],
  "one edge": [5],
  "no edges": [],
  "as fine as numbers are": [1, 1 + Number.EPSILON, 1 + 2 * Number.EPSILON],
  "as far as they reach": [Number.MIN_VALUE, 1, Number.MAX_VALUE],
};

describe("binFinder", () => {
  for (const [name, edges] of Object.entries(sets)) {
    it(`finds the bin that a search finds: ${name}`, () => {
      const find = binFinder(edges);
      const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 0];
      const between = Array.from({ length: 2000 }, () => low + (next() * 1.2 - 0.1) * (high - low));
      const around = edges.flatMap((edge) => [
        edge,
        edge * (1 + Number.EPSILON),
        edge * (1 - Number.EPSILON),
        edge + Number.MIN_VALUE,
        edge - Number.MIN_VALUE,
      ]);
      for (const value of [
        ...between,
        ...around,
        0,
        -0,
        NaN,
        Infinity,
        -Infinity,
        Number.MAX_VALUE,
        -Number.MAX_VALUE,
        Number.MIN_VALUE,
      ]) {
        assert.equal(find(value), binOf(edges, value), `${value}`);
      }
    });
  }

  it("gives each bin its lower edge and not its upper one", () => {
    const find = binFinder([1, 2, 4]);
    assert.deepEqual([0.999, 1, 1.999, 2, 3.999, 4].map(find), [-1, 0, 0, 1, 1, -1]);
  });
});
