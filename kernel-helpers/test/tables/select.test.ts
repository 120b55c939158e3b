import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { selectRank } from "../../dist/tables/select.js";
import { random } from "./events.js";

/** Orders that make life hard for a selection. */
const orders: Record<string, (n: number) => Float64Array> = {
  random: (n) => {
    const next = random(n);
    return Float64Array.from({ length: n }, () => Math.exp(4 * next()) - 5);
  },
  "few distinct values": (n) => {
    const next = random(n);
    return Float64Array.from({ length: n }, () => Math.floor(3 * next()));
  },
  ascending: (n) => Float64Array.from({ length: n }, (_, i) => i),
  descending: (n) => Float64Array.from({ length: n }, (_, i) => -i),
  equal: (n) => new Float64Array(n).fill(7),
  "an organ pipe": (n) => Float64Array.from({ length: n }, (_, i) => Math.min(i, n - i)),
  "a sawtooth": (n) => Float64Array.from({ length: n }, (_, i) => i % 17),
  zeros: (n) => Float64Array.from({ length: n }, (_, i) => (i % 2 ? 0 : -0)),
};

describe("selectRank", () => {
  for (const [name, make] of Object.entries(orders)) {
    for (const n of [1, 2, 3, 599, 601, 5000, 100_000]) {
      it(`finds what sorting finds: ${name}, ${n} values`, () => {
        const values = make(n);
        const sorted = values.slice().sort();
        for (const rank of new Set([0, n >> 1, Math.floor(n * 0.9), Math.floor(n * 0.999), n - 1])) {
          const moved = values.slice();
          assert.ok(selectRank(moved, rank) === sorted[rank]); // -0 is as good as 0
          assert.ok(moved.subarray(0, rank).every((value) => value <= sorted[rank]!));
          assert.ok(moved.subarray(rank).every((value) => value >= sorted[rank]!));
          assert.deepEqual(moved.sort(), sorted, "the same values as before");
        }
      });
    }
  }

  it("touches nothing outside of its part", () => {
    const values = orders["random"]!(3000);
    const moved = values.slice();
    selectRank(moved, 1500, 1000, 2000);
    assert.deepEqual(moved.subarray(0, 1000), values.subarray(0, 1000));
    assert.deepEqual(moved.subarray(2000), values.subarray(2000));
    assert.equal(moved[1500], values.slice(1000, 2000).sort()[500]);
  });
});
