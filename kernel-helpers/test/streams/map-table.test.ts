import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { firstValueFrom, take, toArray, lastValueFrom } from "rxjs";
import {
  ArgumentError,
  bpf,
  captureOf,
  charts,
  concatTables,
  type EventTable,
  type ShippedPrograms,
} from "../../dist/api/index.js";
import { DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { tableText } from "../../dist/tables/plain.js";
import { loadMaps, maps, object, twoShares, useMaps } from "../bpf/maps.js";
import { until } from "../workload/until.js";

const rowsOf = (table: { objects(): unknown }) =>
  JSON.parse(
    JSON.stringify(table.objects(), (_, value: unknown) =>
      ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value,
    ),
  ) as Record<string, unknown>[];

describe("maps as tables", () => {
  useMaps("maps_as_tables");

  test("a column for each field of key and value; a name that both have is the key's", () => {
    maps["hash"]!.set(
      { id: 1, low: -2, text: "key" },
      { count: 3, on: true, color: "GREEN", text: "val", inner: { list: [4, 5, 6] }, id: 7 },
    );
    assert.deepEqual(rowsOf(maps["hash"]!.table()), [
      {
        id: 1,
        low: -2,
        text: "key",
        count: 3,
        on: true,
        color: "GREEN",
        "value.text": "val",
        "inner.list": [4, 5, 6],
        "value.id": 7,
      },
    ]);
    maps["tiny"]!.set(5, 6);
    assert.deepEqual(rowsOf(maps["tiny"]!.table()), [{ key: 5, value: 6 }]);
  });

  test("an empty map is a table with the columns and no rows", () => {
    const table = maps["hash"]!.table();
    assert.equal(table.numRows(), 0);
    assert.deepEqual(table.columnNames(), [
      "id",
      "low",
      "text",
      "count",
      "on",
      "color",
      "value.text",
      "inner.list",
      "value.id",
    ]);
    assert.equal(maps["shares"]!.table().numRows(), 0);
  });

  test("100,000 entries are columns after one pass, without an object an entry", () => {
    const hash = maps["hash"]!;
    hash.setAll(
      Array.from({ length: 100_000 }, (_, id) => [
        { id, text: `n${id % 7}` },
        { count: 2 * id, on: id % 2 === 0, inner: { list: [id, 0, 0] } },
      ]),
    );
    hash.table(); // what is made once is made by now
    const before = process.memoryUsage().heapUsed;
    const table = hash.table();
    const heap = process.memoryUsage().heapUsed - before;
    assert.ok(heap < 2 * 2 ** 20, `${heap} bytes on the heap: more than 20 an entry`);
    assert.equal(table.numRows(), 100_000);
    const columns = table.data() as Record<string, unknown>;
    assert.ok(
      columns["id"] instanceof Uint32Array &&
        columns["count"] instanceof Float64Array &&
        columns["text"] instanceof DictionaryColumn &&
        columns["inner.list"] instanceof ListColumn,
    );
    assert.equal(columns["text"].dictionary.length, 7);
    const ids = new Set<number>();
    for (let row = 0; row < 100_000; row++) {
      const id = columns["id"][row]!;
      ids.add(id);
      if (
        columns["count"][row] !== 2 * id ||
        columns["text"].at(row) !== `n${id % 7}` ||
        (columns["inner.list"].at(row) as Uint32Array)[0] !== id ||
        table.get("on", row) !== (id % 2 === 0)
      )
        assert.fail(`row ${row} is wrong`);
    }
    assert.equal(ids.size, 100_000);
    hash.clear();
  });

  test("100,000 entries are read in a batch or two, by the kernel's count of our bpf(2) calls", async () => {
    const counting = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 batches = 0, others = 0;
SEC("tp/syscalls/sys_enter_bpf")
int count(struct trace_event_raw_sys_enter *ctx)
{
	if (is_own_process())
		__sync_fetch_and_add(ctx->args[0] == BPF_MAP_LOOKUP_BATCH ? &batches : &others, 1);
	return 0;
}`;
    const hash = maps["hash"]!;
    hash.setAll(Array.from({ length: 100_000 }, (_, id) => [{ id }, {}]));
    const calls = await (
      await bpf.load(await bpf.compile(counting, { name: "bpf_calls" }), { constants: { own_parent_tgid: 0 } })
    ).attach();
    const [batches, others] = [calls.globals["batches"] as number, calls.globals["others"] as number];
    assert.equal(hash.table().numRows(), 100_000);
    const [more, none] = [(calls.globals["batches"] as number) - batches, (calls.globals["others"] as number) - others];
    calls.close();
    assert.ok(more >= 1 && more <= 2, `${more} batches`);
    assert.equal(none, 0, "calls beside them");
    hash.clear();
  });

  test("per CPU: summed as getSummed does, or a row for each CPU", () => {
    const { shares } = maps;
    const [one, two] = twoShares;
    const silent = Array.from({ length: shares!.cpus - 2 }, () => ({}));
    shares!.set(1, [one, two, ...silent]);
    shares!.set(2, [{}, two, ...silent]);
    shares!.set(3, [{}, {}, ...silent]);
    const summed = rowsOf(shares!.table()).sort((a, b) => (a["key"] as number) - (b["key"] as number));
    assert.deepEqual(
      summed,
      [1, 2, 3].map((key) => ({ key, ...shares!.getSummed(key) })),
    );
    assert.deepEqual(rowsOf(shares!.table({ cpus: "sum" })).length, 3);
    const each = rowsOf(shares!.table({ cpus: "each" }));
    assert.equal(each.length, 3 * shares!.cpus);
    for (const key of [1, 2, 3])
      assert.deepEqual(
        each.filter((row) => row["key"] === key),
        (shares!.get(key) as object[]).map((value, cpu) => ({ key, cpu, ...value })),
      );
  });

  test("64-bit columns are exact as BigInts, summed too", () => {
    const most = 2n ** 64n - 1n;
    maps["tiny"]!.set(1, most);
    assert.equal(maps["tiny"]!.table({ bigint: ["value"] }).get("value", 0), most);
    const { shares } = maps;
    shares!.set(
      1,
      Array.from({ length: shares!.cpus }, (_, cpu) => ({
        count: 2n ** 53n + BigInt(cpu),
        least: -(2n ** 60n) - BigInt(cpu),
      })),
    );
    const table = shares!.table({ bigint: ["count", "least"] });
    const cpus = BigInt(shares!.cpus);
    assert.equal(table.get("count", 0), cpus * 2n ** 53n + (cpus * (cpus - 1n)) / 2n);
    assert.equal(table.get("least", 0), -(2n ** 60n) - (cpus - 1n));
  });

  test("a map whose program counts what found no room says so in tables and charts", () => {
    maps["tiny"]!.set(1, 2);
    assert.equal(captureOf(maps["tiny"]!.table())!.lost, 0);
    object.globals["tiny_lost"] = 1234;
    assert.equal(maps["tiny"]!.lost, 1234);
    assert.equal(maps["hash"]!.lost, undefined);
    const table = maps["tiny"]!.table();
    assert.match(tableText(table), /^Incomplete: 1,234 updates found no room in maps_as_tables\.tiny\./);
    assert.match(charts.bar(table, { x: "key", y: "value" }).text, /Incomplete: 1,234 updates/);
    object.globals["tiny_lost"] = 0;
  });

  test("mistakes are errors", () => {
    assert.throws(() => maps["tiny"]!.table({ cpus: "each" }), {
      name: "ArgumentError",
      message: /^cpus: the map maps_as_tables\.tiny is of type hash, which has one value for all CPUs\.$/,
    });
    assert.throws(() => maps["shares"]!.table({ cpus: "all" as never }), {
      message: /^cpus: expected "sum" or "each", got "all"\.$/,
    });
    assert.throws(() => maps["hash"]!.table({ bigint: ["low"] }), ArgumentError);
    for (const everyMs of [0, -1, NaN, 2 ** 31, "5" as never])
      assert.throws(() => maps["tiny"]!.poll({ everyMs }), {
        name: "ArgumentError",
        message: /^everyMs: expected a number from 1 to 2147483647, got /,
      });
  });

  test("poll: a table at once and then again and again, each with the time it was read", async () => {
    const tiny = maps["tiny"]!;
    tiny.set(1, 0);
    const stream = tiny.poll({ everyMs: 5 });
    const seen: number[] = [];
    const polling = lastValueFrom(stream.pipe(take(4), toArray()));
    const subscription = stream.subscribe((table) => {
      seen.push(table.get("value", 0));
      tiny.set(1, seen.length);
    });
    const tables = await polling;
    subscription.unsubscribe();
    const count = seen.length;
    await sleep(30);
    assert.equal(seen.length, count, "nothing comes after unsubscribing");
    assert.deepEqual(
      seen,
      seen.map((_, i) => i),
    );
    assert.deepEqual(tables[0]!.columnNames(), ["time_ns", "key", "value"]);
    const times = concatTables(tables).array("time_ns") as Float64Array;
    assert.deepEqual(
      [...times],
      [...new Set(times)].sort((a, b) => a - b),
    );
  });

  test("poll ends with its object, and its errors are the stream's", async () => {
    const other = await loadMaps("polled");
    const tables = lastValueFrom(other.maps["tiny"]!.poll({ everyMs: 1000 }).pipe(toArray()));
    other.close();
    assert.equal((await tables).length, 1);
    await assert.rejects(firstValueFrom(maps["hash"]!.poll({ everyMs: 5, bigint: ["low"] })), {
      name: "ArgumentError",
    });
  });

  test("a live view of polled tables draws the newest", async () => {
    maps["tiny"]!.set(1, 7);
    const drawn: number[] = [];
    const view = charts.live(
      maps["tiny"]!.poll({ everyMs: 5 }),
      (table) => drawn.push(table.get("value", 0) as number),
      { fps: 100 },
    );
    await until("the first is drawn", () => drawn.length > 0);
    maps["tiny"]!.set(1, 8);
    await until("the newest is drawn", () => drawn.at(-1) === 8);
    await view.stop();
    assert.equal(view.error, undefined);
    assert.equal(drawn[0], 7);
  });

  test("columns are typed by BTF: wrong names do not compile", async () => {
    const stats = await bpf.load("stats");
    const { stats_map } = stats.maps;
    const table: EventTable<{ pid: number; fd: number; writes: number; comm: string; histogram: number[] }> =
      stats_map.table();
    charts.bar(stats_map.table(), { x: "comm", y: "writes" });
    // @ts-expect-error
    assert.throws(() => charts.bar(stats_map.table(), { x: "comm", y: "write" }), ArgumentError);
    charts.lines(await firstValueFrom(stats_map.poll({ everyMs: 1000 })), { y: "writes", x: "time_ns" });
    // @ts-expect-error
    assert.throws(() => stats_map.get({ pid: 1, fdd: 1 }), ArgumentError);
    // @ts-expect-error
    const wrong: number | undefined = stats_map.getSummed({ pid: 1, fd: 1 })?.comm;
    const right: number | undefined = stats_map.get({ pid: 1, fd: 1 })?.[0]?.writes;
    assert.deepEqual([wrong, right, table.numRows()], [undefined, undefined, 0]);
    const names: (keyof ShippedPrograms["stats"]["maps"])[] = ["stats_map", "begun_map", "rb"];
    assert.deepEqual(Object.keys(stats.maps).sort(), [...names].sort());
  });
});
