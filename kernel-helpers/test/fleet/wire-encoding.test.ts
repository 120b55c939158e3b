import assert from "node:assert/strict";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { momentFrom } from "../../dist/fleet/moments.js";
import { chooseHosts } from "../../dist/fleet/outcomes.js";
import { Pace } from "../../dist/fleet/pace.js";
import { packTable, unpackTable } from "../../dist/fleet/payload.js";
import { clockFrom } from "../../dist/fleet/host-clock.js";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";

test("columns arrive as they were sent, whatever is in them", async () => {
  const columns = {
    times: Float64Array.of(1e15, 1e15 + 1, 1e15 + 2 ** 31, 5),
    near: Float64Array.of(9e15, 9e15 + 100, 9e15 + 300, 9e15 - 70_000),
    fractions: Float64Array.of(0.5, -0, NaN, Infinity),
    minus_zero: Float64Array.of(-0, 1, 2, 3),
    huge: Float64Array.of(2 ** 53, 2 ** 60, -(2 ** 53), 0),
    unsigned: Uint32Array.of(0, 2 ** 32 - 1, 7, 2 ** 31),
    steady: Uint32Array.of(123_456, 123_456, 123_456, 123_457),
    signed: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, -1, 0),
    small: Int16Array.of(-32_768, 32_767, 0, 1),
    wide: BigUint64Array.of(0n, 2n ** 64n - 1n, 5n, 6n),
    text: new DictionaryColumn(Uint32Array.of(2, 0, 2, 2), ["a", "never", "ü\u0000b"]),
  };
  const back = unpackTable(await packTable(makeTable(columns as never)));
  for (const [name, column] of Object.entries(columns)) {
    const got = back.column(name) as unknown as Iterable<unknown>;
    assert.deepEqual([...got], [...(column as Iterable<unknown>)], name);
    assert.equal((got as object).constructor.name, column.constructor.name, name);
  }
  const none = unpackTable(await packTable(makeTable({ start_ns: new Float64Array(0), pid: new Uint32Array(0) })));
  assert.deepEqual([none.numRows(), none.columnNames()], [0, ["start_ns", "pid"]]);
});

test("what is no message is an error, and no table", async () => {
  const bytes = await packTable(makeTable({ start_ns: Float64Array.of(1, 2, 3) }));
  for (let cut = 0; cut < bytes.length; cut += 7) assert.throws(() => unpackTable(bytes.subarray(0, cut)));
});

test("moments are told in words, as text or as a Date", () => {
  const now = Date.parse("2026-11-26T03:00:00Z");
  assert.equal(momentFrom("since", "10 minutes ago", now), now - 600_000);
  assert.equal(momentFrom("since", " 1.5 hours ago ", now), now - 5_400_000);
  assert.equal(momentFrom("since", "2026-11-26T02:00:00Z", now), now - 3_600_000);
  assert.equal(momentFrom("since", new Date(5), now), 5);
  for (const wrong of ["soon", "10 parsecs ago", 7, undefined, new Date(NaN)])
    assert.throws(() => momentFrom("since", wrong, now), /since: expected a moment such as "10 minutes ago"/);
});

test("hosts are chosen by name, and * is any letters", () => {
  const hosts = ["web-1", "web-2", "db-1", "web.x"];
  assert.deepEqual(chooseHosts(hosts, ["web-*"]), ["web-1", "web-2"]);
  assert.deepEqual(chooseHosts(hosts, ["*-1"]), ["db-1", "web-1"]);
  assert.deepEqual(chooseHosts(hosts, undefined), ["db-1", "web-1", "web-2", "web.x"]);
  assert.throws(() => chooseHosts(hosts, ["w?b"]), /No host is called w\?b\.[^]*There are db-1, web-1/);
  assert.throws(() => chooseHosts(hosts, "web-1" as never), /only: expected names of hosts/);
});

test("a clock's offset is that of the middle of the trip, and no wronger than half of it", () => {
  const there = { bootId: "b", monotonic_ns: 5000, wall_ms: 100_000 };
  const clock = clockFrom({ bootId: "a", monotonic_ns: 1e9, wall_ms: 40_000 }, there, {
    bootId: "a",
    monotonic_ns: 1e9 + 2e6,
    wall_ms: 40_002,
  });
  assert.deepEqual(clock, { bootId: "b", offset_ns: 1e9 + 1e6 - 5000, error_ns: 1e6, ahead_ms: 59_999 });
});

test("a pace keeps to its share: what was used beyond it is rested for", () => {
  let [used, now] = [0, 0];
  const pace = new Pace(
    0.25,
    () => used,
    () => now,
  );
  let rested = 0;
  for (let piece = 0; piece < 400; piece++) {
    used += 10;
    now += 10;
    const due = pace.due();
    rested += due;
    now += due;
  }
  assert.ok(Math.abs(used / now - 0.25) < 0.01, `${used} of ${now}`);
  assert.ok(rested > 0);
  now += 60_000; // long idle gives no credit beyond two seconds
  pace.due();
  used += 4000;
  now += 2000;
  assert.ok(pace.due() > 10_000);
});
