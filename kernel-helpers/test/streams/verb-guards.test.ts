/** What arquero's verbs and functions get wrong over our columns, against what is right. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ColumnTable, desc, op, rolling, table as makeTable } from "arquero";
import { CapturedTable } from "../../dist/streams/captured-table.js";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { Int64Column, NullableColumn } from "../../dist/streams/file-columns.js";

const captured = (columns: Record<string, unknown>): ColumnTable =>
  CapturedTable.from(makeTable(columns as Record<string, never>), {
    capture: { source: "test", rows: 4, lost: 0, dropped: 0, startedAt: 0, endedAt: 0 },
    derived: false,
  });

const numbers = captured({
  id: Float64Array.of(0, 1, 2, 3),
  key: new DictionaryColumn(Uint32Array.of(0, 1, 0, 1), ["a", "b"]),
  wide: new Int64Column(BigInt64Array.of(2n ** 62n, 5n, -1n, 7n)),
  big: BigUint64Array.of(2n ** 64n - 1n, 1n, 2n, 3n),
  small: new Int64Column(BigInt64Array.of(1n, 5n, 5n, 7n)),
  v: Float64Array.of(1, 1, 2, 3),
  n: new NullableColumn(Float64Array.of(1, 2, 3, 4), Uint8Array.of(1, 0, 1, 0)),
});

const one = (table: ColumnTable) => table.object() as Record<string, unknown>;
const column = (table: ColumnTable, name = "x") => Array.from(table.array(name) as ArrayLike<unknown>);

describe("integers beyond 2^53", () => {
  test("add up exactly, also beside numbers", () => {
    assert.deepEqual(one(numbers.rollup({ wide: op.sum("wide"), big: op.sum("big"), small: op.sum("small") })), {
      wide: 2n ** 62n + 11n,
      big: 2n ** 64n + 5n,
      small: 18,
    });
    const back = captured({ x: new Int64Column(BigInt64Array.of(2n ** 62n, 5n, -(2n ** 62n))) });
    assert.equal(one(back.rollup({ x: op.sum("x") }))["x"], 5);
    assert.equal(one(numbers.rollup({ x: op.product("wide") }))["x"], -35n * 2n ** 62n);
  });

  test("have a mean, a spread, a median, a correlation as numbers", () => {
    const values = [2 ** 62, 5, -1, 7];
    const mean = values.reduce((sum, value) => sum + value) / 4;
    const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const found = one(
      numbers.rollup({
        mean: op.mean("wide"),
        variance: op.variance("wide"),
        variancep: op.variancep("wide"),
        stdev: op.stdev("wide"),
        stdevp: op.stdevp("wide"),
        corr: op.corr("wide", "wide"),
        median: op.median("wide"),
        low: op.quantile("big", 0.5),
        max: op.max("wide"),
      }),
    );
    const expected = {
      mean,
      variance: spread / 3,
      variancep: spread / 4,
      stdev: Math.sqrt(spread / 3),
      stdevp: Math.sqrt(spread / 4),
      corr: 1,
      median: 6,
      low: 2.5,
    };
    for (const [name, value] of Object.entries(expected))
      assert.ok(Math.abs((found[name] as number) / value - 1) < 1e-12, `${name}: ${String(found[name])}, ${value}`);
    assert.equal(found["max"], 2n ** 62n);
  });

  test("are told by name where JavaScript cannot reckon with them", () => {
    for (const run of [
      () => numbers.derive({ x: "d => d.wide + 1" }),
      () => numbers.derive({ x: "d => op.abs(d.wide)" }),
      () => numbers.filter("d => d.wide * 2 > 4"),
      () => numbers.rollup({ x: "d => op.sum(d.wide / 2)" }),
      () => numbers.groupby({ x: "d => d.wide % 2" }),
    ])
      assert.throws(run, {
        name: "ArgumentError",
        message: /^Integers beyond 2\^53 are BigInts.*in wide and big\.\nop\.parse_float\(d\.wide\)/s,
      });
    assert.deepEqual(column(numbers.derive({ x: "d => op.parse_float(d.wide) + 1" })), [2 ** 62, 6, 0, 8]);
  });

  test("equal the numbers that they are, as keys of a join", () => {
    const values = numbers.select("v");
    for (const joined of [
      numbers.select("id", "big").join(values, ["big", "v"]),
      numbers
        .select("id", "big")
        .join_left(values, [["big"], ["v"]])
        .filter("d => d.v != null"),
      values.join(numbers.select("id", "big"), ["v", "big"]),
    ])
      assert.deepEqual(column(joined, "id").sort(), [1, 1, 2, 3]);
    assert.deepEqual(column(numbers.semijoin(values, ["big", "v"]), "id"), [1, 2, 3]);
    assert.deepEqual(column(numbers.antijoin(values, ["big", "v"]), "id"), [0]);
  });
});

describe("groups", () => {
  const texts = captured({ a: ['x"|"y', "x", "p"], b: ["z", 'y"|"z', "q"], n: [1, 2, 3] });

  test("are of the values themselves, whatever is in the text", () => {
    assert.deepEqual(column(texts.groupby("a", "b").count(), "count"), [1, 1, 1]);
    assert.deepEqual(column(texts.groupby("a", "b").rollup({ n: op.sum("n") }), "n"), [1, 2, 3]);
    assert.deepEqual(column(texts.select("a", "b").dedupe(), "b"), ["z", 'y"|"z', "q"]);
  });

  test("take null and what a join has not found for the same", () => {
    const mixed = captured({ x: [null, undefined, 1] });
    assert.deepEqual(mixed.groupby("x").count().objects(), [
      { x: null, count: 2 },
      { x: 1, count: 1 },
    ]);
  });

  test("do not lose a column to another of its name", () => {
    const counts = captured({ count: [1, 1, 2], key: ["a", "b", "c"], v: [1, 2, 3], w: [4, 5, 6] });
    assert.throws(() => counts.groupby("count").count(), /second column called count.*\n.*count\(\{ as: "n" \}\)/);
    assert.deepEqual(counts.groupby("count").count({ as: "n" }).objects(), [
      { count: 1, n: 2 },
      { count: 2, n: 1 },
    ]);
    assert.throws(() => counts.fold(["v", "w"]), /fold would make a second column called key.*\n.*as:/);
    const replaced = counts.fold(["v", "w"], { as: ["what", "count"] });
    assert.deepEqual(column(replaced, "count"), [1, 4, 2, 5, 3, 6]);
    assert.deepEqual(replaced.columnNames(), ["key", "what", "count"]);
    const folded = counts.fold(["v", "w"], { as: ["what", "value"] });
    assert.deepEqual(folded.columnNames(), ["count", "key", "what", "value"]);
    assert.deepEqual(column(folded, "what"), ["v", "w", "v", "w", "v", "w"]);
    const named = captured({ comm: ["x", "y"], to: ["comm", "b"], v: [1, 2] });
    assert.throws(() => named.groupby("comm").pivot("to", { v: op.sum("v") }), /second column called comm/);
    assert.deepEqual(named.pivot("to", { v: op.sum("v") }).objects(), [{ b: 2, comm: 1 }]);
  });
});

describe("pivot", () => {
  const keys = captured({ k: ["a_b", "a"], l: ["c", "b_c"], v: [1, 2] });
  test("refuses what arquero would count wrongly, and pairs of keys that would be one column", () => {
    assert.throws(() => numbers.pivot("key", { n: op.distinct("v") }), /cannot count what is distinct.*\n.*rollup/);
    assert.throws(() => keys.pivot(["k", "l"], { v: op.sum("v") }), /one column, a_b_c.*\n.*keySeparator/);
    assert.deepEqual(keys.pivot(["k", "l"], { v: op.sum("v") }, { keySeparator: " " }).objects(), [
      { "a b_c": 2, "a_b c": 1 },
    ]);
  });
});

describe("sets", () => {
  const some = numbers.select("n");
  test("have null as a value, and integers as one number", () => {
    assert.deepEqual(column(some.intersect(some), "n"), [1, null, 3]);
    assert.deepEqual(column(some.except(some), "n"), []);
    assert.deepEqual(column(some.except(some.filter("d => d.n !== null")), "n"), [null]);
    const whole = numbers.select("small").rename({ small: "big" });
    assert.deepEqual(column(numbers.select("big").intersect(whole), "big"), [1n]);
  });
});

describe("windows", () => {
  const ranked = numbers.orderby("v").derive({
    share: "d => op.cume_dist()",
    percent: "d => op.percent_rank()",
    tile: "d => op.ntile(4)",
    same: "d => op.lag(d.id, 0)",
    next: "d => op.lead(d.id, 2, -1)",
  } as never);

  test("rank the first of equal rows as the others", () => {
    assert.deepEqual(column(ranked, "share"), [0.5, 0.5, 0.75, 1]);
    assert.deepEqual(column(ranked, "percent"), [0, 0, 2 / 3, 1]);
    assert.deepEqual(column(ranked, "tile"), [2, 2, 3, 4]);
    assert.deepEqual(column(ranked, "same"), [0, 1, 2, 3]);
    assert.deepEqual(column(ranked, "next"), [2, 3, -1, -1]);
    assert.deepEqual(column(numbers.slice(0, 1).derive({ x: "d => op.percent_rank()" } as never)), [0]);
  });

  test("add up exactly what comes in and goes out", () => {
    const values = captured({ v: [2 ** 53, 1, Infinity, 3, 4], w: [1e300, 1, 2, 3, 4] });
    const sums = values.derive({
      v: rolling("d => op.sum(d.v)", [-1, 0]),
      w: rolling("d => op.sum(d.w)", [-1, 0]),
    } as never);
    assert.deepEqual(column(sums, "v").slice(2), [Infinity, Infinity, 7]);
    assert.deepEqual(column(sums, "w").slice(2), [3, 5, 7]);
  });

  test("contain their own row", () => {
    for (const frame of [
      [-2, -1],
      [1, 3],
    ])
      assert.throws(
        () => numbers.derive({ x: rolling("d => op.sum(d.v)", frame as [number, number]) } as never),
        /The window \[.*\] of x does not contain its own row/,
      );
  });
});

test("typeof and in are refused in words", () => {
  assert.throws(() => numbers.derive({ x: "d => typeof d.v" }), /neither typeof nor in/);
  assert.throws(() => numbers.filter("d => 'v' in d"), /neither typeof nor in/);
});

test("a population of one has a spread of 0", () => {
  const first = numbers.orderby(desc("id")).slice(0, 1);
  assert.deepEqual(one(first.rollup({ a: op.variancep("v"), b: op.stdevp("v"), c: op.variance("v") })), {
    a: 0,
    b: 0,
    c: undefined,
  });
});
