import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { table as makeTable, type ColumnTable } from "arquero";
import { ArgumentError } from "../../dist/base/errors.js";
import { concatTables } from "../../dist/streams/concat-tables.js";
import { AddressColumn, BooleanColumn, DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";

/** A table of columns of any kind that arquero takes. */
const tableOf = (columns: Record<string, unknown>): ColumnTable => makeTable(columns as Record<string, never>);
const column = (values: unknown): ColumnTable => tableOf({ x: values });
const joined = (...parts: unknown[]) => concatTables(parts.map(column)).column("x") as unknown;
const valuesOf = (values: unknown) => [...(values as Iterable<unknown>)];
const codes = (...values: number[]) => Uint32Array.from(values);

describe("concatTables", () => {
  test("keeps each kind of typed array", () => {
    for (const Kind of [
      Int8Array,
      Uint8Array,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ]) {
      const all = joined(Kind.from([1, 2]), new Kind(0), Kind.from([3]));
      assert.equal((all as object).constructor, Kind);
      assert.deepEqual(valuesOf(all), [1, 2, 3]);
    }
    for (const Kind of [BigInt64Array, BigUint64Array])
      assert.deepEqual(joined(Kind.from([1n]), Kind.from([2n ** 60n])), Kind.from([1n, 2n ** 60n]));
  });

  test("shares a dictionary that all parts share, also when it grows later", () => {
    const dictionary = ["a", "b"];
    const all = joined(
      new DictionaryColumn(codes(1, 0), dictionary),
      new DictionaryColumn(codes(1, 2), dictionary),
    ) as DictionaryColumn;
    assert.ok(all instanceof DictionaryColumn);
    assert.equal(all.dictionary, dictionary);
    dictionary.push("c");
    assert.deepEqual(valuesOf(all), ["b", "a", "b", "c"]);
  });

  test("merges different dictionaries", () => {
    const all = joined(
      new DictionaryColumn(codes(1, 0), ["a", "b"]),
      new DictionaryColumn(codes(0, 1, 2), ["b", "c", "a"]),
    ) as DictionaryColumn;
    assert.ok(all instanceof DictionaryColumn);
    assert.deepEqual(all.dictionary, ["a", "b", "c"]);
    assert.deepEqual(valuesOf(all), ["b", "a", "b", "c", "a"]);
  });

  test("keeps booleans", () => {
    const all = joined(new BooleanColumn(Uint8Array.of(1, 0)), new BooleanColumn(Uint8Array.of(2)));
    assert.ok(all instanceof BooleanColumn);
    assert.deepEqual(valuesOf(all), [true, false, true]);
  });

  test("keeps addresses", () => {
    const loopback = [...new Array<number>(15).fill(0), 1];
    const all = joined(
      new AddressColumn(Uint8Array.from(loopback)),
      new AddressColumn(Uint8Array.from([...loopback, ...loopback])),
    );
    assert.ok(all instanceof AddressColumn);
    assert.deepEqual(valuesOf(all), ["::1", "::1", "::1"]);
  });

  test("keeps lists of each kind", () => {
    const numbers = joined(
      new ListColumn(Uint16Array.of(1, 2, 3, 4), 2),
      new ListColumn(Uint16Array.of(5, 6), 2),
    ) as ListColumn;
    assert.ok(numbers instanceof ListColumn);
    assert.deepEqual(valuesOf(numbers), [Uint16Array.of(1, 2), Uint16Array.of(3, 4), Uint16Array.of(5, 6)]);
    const text = joined(
      new ListColumn(new DictionaryColumn(codes(0, 1), ["a", "b"]), 2),
      new ListColumn(new DictionaryColumn(codes(0, 0), ["b"]), 2),
    );
    assert.deepEqual(valuesOf(text), [
      ["a", "b"],
      ["b", "b"],
    ]);
    const flags = joined(
      new ListColumn(new BooleanColumn(Uint8Array.of(1, 0)), 2),
      new ListColumn(new BooleanColumn(Uint8Array.of(0, 0)), 2),
    );
    assert.deepEqual(valuesOf(flags), [
      [true, false],
      [false, false],
    ]);
  });

  test("takes columns that users made, and columns that are not of one kind", () => {
    assert.deepEqual(joined([1, "two"], [null]), [1, "two", null]);
    assert.deepEqual(joined(Float64Array.of(1), [2]), [1, 2]);
    assert.deepEqual(joined(Float64Array.of(1), Uint8Array.of(2)), [1, 2]);
    assert.deepEqual(joined(new DictionaryColumn(codes(0), ["a"]), ["b"]), ["a", "b"]);
    assert.deepEqual(joined(new ListColumn(Uint8Array.of(1, 2), 2), new ListColumn(Uint8Array.of(3), 1)), [
      Uint8Array.of(1, 2),
      Uint8Array.of(3),
    ]);
  });

  test("sees the filter and the order of its tables", () => {
    const table = tableOf({ n: Float64Array.of(3, 1, 2), name: new DictionaryColumn(codes(0, 1, 0), ["a", "b"]) });
    const all = concatTables([table.filter((d: { n: number }) => d.n > 1), table.orderby("n")]);
    assert.deepEqual(all.array("n"), [3, 2, 1, 2, 3]);
    assert.deepEqual(all.array("name"), ["a", "a", "b", "a", "a"]);
  });

  test("of one table is that table, of none is an empty one", () => {
    const table = column([1]);
    assert.equal(concatTables([table]), table);
    assert.equal(concatTables([]).numRows(), 0);
  });

  test("refuses tables of different columns, in any order of the columns", () => {
    const one = makeTable({ a: [1], b: [2] });
    assert.deepEqual(concatTables([one, makeTable({ b: [4], a: [3] })]).objects(), [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    for (const other of [makeTable({ a: [1] }), makeTable({ a: [1], c: [2] }), makeTable({ a: [1], b: [2], c: [3] })]) {
      assert.throws(
        () => concatTables([one, other]),
        (e: Error) =>
          e instanceof ArgumentError &&
          /^Tables with different columns cannot be concatenated: one has a and b, another a/.test(e.message),
      );
    }
  });

  test("arquero's verbs work on what it makes", () => {
    const all = concatTables([
      tableOf({
        n: Float64Array.of(1, 2),
        name: new DictionaryColumn(codes(0, 1), ["a", "b"]),
        ok: new BooleanColumn(Uint8Array.of(1, 0)),
      }),
      tableOf({
        n: Float64Array.of(3),
        name: new DictionaryColumn(codes(0), ["b"]),
        ok: new BooleanColumn(Uint8Array.of(1)),
      }),
    ]);
    assert.deepEqual(all.filter((d: { name: string }) => d.name === "b").array("n"), [2, 3]);
    assert.deepEqual(all.filter((d: { ok: boolean }) => d.ok).array("n"), [1, 3]);
    assert.deepEqual(all.groupby("name").count().orderby("name").objects(), [
      { name: "a", count: 1 },
      { name: "b", count: 2 },
    ]);
  });
});
