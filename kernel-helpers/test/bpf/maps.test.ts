import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ArgumentError, ClosedError } from "../../dist/api/index.js";
import { loadMaps, maps, twoShares, useMaps } from "./maps.js";

const red = { count: 7, on: true, color: "RED", text: "hello", inner: { list: [1, 2, 3] }, id: 9 };

describe("maps by type", () => {
  useMaps("types_of_maps");

  for (const name of ["tiny", "lru"]) {
    test(`${name}: get, has, set, delete, keys, entries, clear`, () => {
      const map = maps[name]!;
      assert.equal(map.get(1), undefined);
      assert.equal(map.has(1), false);
      map.set(1, 10);
      map.set(2, 20n);
      map.set(2, 2 ** 53);
      assert.equal(map.get(1), 10);
      assert.equal(map.has(2), true);
      assert.deepEqual(map.entries().sort(), [
        [1, 10],
        [2, 2 ** 53],
      ]);
      assert.deepEqual(map.keys().sort(), [1, 2]);
      assert.equal(map.delete(1), true);
      assert.equal(map.delete(1), false);
      assert.equal(map.clear(), 1);
      assert.deepEqual(map.entries(), []);
    });
  }

  test("hash: structs as keys and values; fields left out are zero", () => {
    const key = { id: 1, low: -2, text: "name" };
    maps["hash"]!.set(key, red);
    maps["hash"]!.set({ id: 2 }, { count: 1 });
    assert.deepEqual(maps["hash"]!.get(key), red);
    assert.deepEqual(maps["hash"]!.get({ id: 2, low: 0, text: "" }), {
      count: 1,
      on: false,
      color: "0",
      text: "",
      inner: { list: [0, 0, 0] },
      id: 0,
    });
    assert.equal(maps["hash"]!.get({ ...key, low: 2 }), undefined);
  });

  test("lru: makes room by itself and is never full", () => {
    maps["lru"]!.setAll(Array.from({ length: 1000 }, (_, i) => [i, i]));
    const entries = maps["lru"]!.entries();
    assert.ok(entries.length > 0 && entries.length <= 64, `${entries.length} entries`);
    assert.ok(entries.every(([key, value]) => key === value));
  });

  test("array: every index is there, from zero on; clear makes them zero", () => {
    maps["numbers"]!.set(3, -5);
    assert.equal(maps["numbers"]!.get(3), -5);
    assert.equal(maps["numbers"]!.get(4), 0);
    assert.deepEqual(
      maps["numbers"]!.keys(),
      Array.from({ length: 16 }, (_, i) => i),
    );
    assert.equal(maps["numbers"]!.clear(), 16);
    assert.ok(maps["numbers"]!.entries().every(([, value]) => value === 0));
  });

  test("per CPU: a value for each, in the order of the CPUs, and their sum", () => {
    for (const name of ["slots", "lru_shares"]) {
      const map = maps[name]!;
      const each = Array.from({ length: map.cpus }, (_, cpu) => 2 ** 32 - 1 - cpu);
      map.set(2, each);
      assert.deepEqual(map.get(2), each);
      assert.equal(
        map.getSummed(2),
        each.reduce((sum, value) => sum + value, 0),
      );
      assert.deepEqual(
        map.entries().find(([key]) => key === 2),
        [2, each],
      );
      map.clear();
      assert.deepEqual(name === "slots" ? map.get(2) : map.get(2), name === "slots" ? each.map(() => 0) : undefined);
    }
  });

  test("per CPU: COMBINE takes the least or the most, of the CPUs that wrote something", () => {
    const { shares } = maps;
    const silent = Array.from({ length: shares!.cpus - 1 }, () => ({}));
    const [one, two] = twoShares;
    shares!.set(1, [...silent, one]);
    assert.deepEqual(shares!.getSummed(1), one, "the other CPUs are all zero and do not count");
    shares!.set(1, [one, two, ...silent.slice(1)]);
    assert.deepEqual(shares!.getSummed(1), {
      count: 11,
      least: -7,
      most: 9,
      small: 8_000_000_000,
      real: 3.5,
      on: true,
      text: "two",
      list: [65536, 0, 2],
    });
    assert.equal(shares!.getSummed(2), undefined);
  });

  test("LPM trie: the longest prefix wins", () => {
    const { routes } = maps;
    const address = (...bytes: number[]) => ({ prefixlen: 32, address: bytes });
    routes!.setAll([
      [{ prefixlen: 8, address: [10, 0, 0, 0] }, 8],
      [{ prefixlen: 24, address: [10, 1, 2, 0] }, 24],
    ]);
    assert.equal(routes!.get(address(10, 1, 2, 3)), 24);
    assert.equal(routes!.get(address(10, 9, 2, 3)), 8);
    assert.equal(routes!.has(address(11, 0, 0, 1)), false);
    assert.equal(routes!.delete({ prefixlen: 24, address: [10, 1, 2, 0] }), true);
    assert.deepEqual(routes!.entries(), [[{ prefixlen: 8, address: [10, 0, 0, 0] }, 8]]);
  });

  test("queue and stack: push, pop, peek", () => {
    const { line, pile } = maps;
    for (const count of [1, 2, 3]) line!.push({ ...red, count });
    assert.equal(line!.peek().count, 1);
    assert.deepEqual(line!.pop(), { ...red, count: 1 });
    assert.equal(line!.clear(), 2);
    assert.equal(line!.pop(), undefined);
    assert.equal(line!.peek(), undefined);
    pile!.push(1);
    pile!.push(2);
    assert.deepEqual([pile!.pop(), pile!.peek(), pile!.pop(), pile!.pop()], [2, 1, 1, undefined]);
  });

  test("setAll puts in 100,000 entries at one go, and clear takes them out", () => {
    maps["hash"]!.setAll(Array.from({ length: 100_000 }, (_, id) => [{ id }, { count: id }]));
    assert.equal(maps["hash"]!.get({ id: 77_777 }).count, 77_777);
    assert.equal(maps["hash"]!.keys().length, 100_000);
    assert.equal(maps["hash"]!.clear(), 100_000);
  });

  const list = (values: number) => Array.from({ length: values }, () => 0);
  const mistakes: [what: string, act: () => unknown, message: RegExp][] = [
    [
      "a key of the wrong type",
      () => maps["tiny"]!.get("one"),
      /^tiny key: expected an integer from 0 to 4294967295, got "one"\.$/,
    ],
    [
      "a key that is no struct",
      () => maps["hash"]!.get(1),
      /^hash key: expected an object with id, low, text, got 1\.$/,
    ],
    [
      "a field of the key out of range",
      () => maps["hash"]!.has({ id: 1, low: 40_000 }),
      /^hash key\.low: expected an integer from -32768 to 32767, got 40000\.$/,
    ],
    [
      "a field that is not there",
      () => maps["hash"]!.get({ ids: 1 }),
      /hash key has no field "ids"\.\nIt has: id, low and text\.$/,
    ],
    [
      "a value out of range",
      () => maps["tiny"]!.set(1, -1),
      /^tiny value: expected an integer from 0 to 18446744073709551615, got -1\.$/,
    ],
    ["a fraction", () => maps["tiny"]!.set(1, 1.5), /^tiny value: expected an integer from .*, got 1\.5\.$/],
    [
      "an array in the value too long",
      () => maps["hash"]!.set({}, { inner: { list: list(4) } }),
      /^hash value\.inner\.list: expected an array of 3, got \[ 0, 0, 0, 0 \]\.$/,
    ],
    [
      "an index past the end of an array",
      () => maps["numbers"]!.get(16),
      /^numbers key: expected an integer from 0 to 15, got 16\.$/,
    ],
    [
      "an index below zero",
      () => maps["numbers"]!.set(-1, 0),
      /^numbers key: expected an integer from 0 to 15, got -1\.$/,
    ],
    [
      "a prefix longer than the address",
      () => maps["routes"]!.set({ prefixlen: 33, address: list(4) }, 1),
      /^routes key\.prefixlen: expected an integer from 0 to 32, got 33\.$/,
    ],
    [
      "one value where each CPU needs one",
      () => maps["slots"]!.set(1, 5),
      /^slots value: expected an array of \d+ values, one for each possible CPU, got 5\.$/,
    ],
    [
      "a CPU's value out of range",
      () => maps["slots"]!.set(1, [...list(maps["slots"]!.cpus - 1), -1]),
      /^slots value\[cpu \d+\]: expected an integer from 0 to 4294967295, got -1\.$/,
    ],
    [
      "a full hash",
      () => maps["tiny"]!.setAll([1, 2, 3, 4, 5].map((key) => [key, key])),
      /^The map types_of_maps\.tiny is full: it holds at most 4 entries\.\nDelete some, or load it with a larger maxEntries\.tiny\.$/,
    ],
    [
      "a full queue",
      () => [1, 2, 3, 4].forEach((count) => maps["line"]!.push({ count })),
      /^The map types_of_maps\.line is full: it holds at most 3 entries\./,
    ],
    [
      "delete from an array",
      () => maps["numbers"]!.delete(1),
      /^The map numbers has no delete: it is of type array\.\nMaps of this type have get, has, set,/,
    ],
    [
      "get from a stack",
      () => maps["pile"]!.get(1),
      /^The map pile has no get: it is of type stack\.\nMaps of this type have push, pop, peek, clear\.$/,
    ],
    ["a table of a queue", () => maps["line"]!.table(), /^The map line has no table: it is of type queue\./],
    ["push to a hash", () => maps["tiny"]!.push(1), /^The map tiny has no push: it is of type hash\./],
    [
      "a sum where there is one value",
      () => maps["tiny"]!.getSummed(1),
      /^The map tiny has no getSummed: it is of type hash\./,
    ],
    [
      "entries of a ring buffer",
      () => maps["rb"]!.entries(),
      /^The map rb has no entries: it is of type ringbuf\.\nA ring buffer is read as a stream: call \.events\(\)/,
    ],
    [
      "a key of the wrong size where only that is known",
      () => maps["untyped"]!.get(Uint8Array.of(1)),
      /^untyped key: expected a Uint8Array of 4 bytes/,
    ],
  ];
  for (const [what, act, message] of mistakes) {
    test(`${what} is an ArgumentError that says which and what is allowed`, () => {
      assert.throws(
        act,
        (error: unknown) => error instanceof ArgumentError && (assert.match(error.message, message), true),
      );
    });
  }

  test("after close: a clear error", async () => {
    const gone = await loadMaps("closed_maps");
    const { tiny } = gone.maps;
    gone.close();
    for (const act of [
      () => tiny!.get(1),
      () => tiny!.set(1, 1),
      () => tiny!.entries(),
      () => tiny!.table(),
      () => tiny!.poll({ everyMs: 5 }),
    ])
      assert.throws(act, ClosedError);
    assert.equal(tiny!.lost, undefined);
  });
});
