/** Files that others wrote: polars, and DuckDB. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as flechette from "@uwdata/flechette";
import * as arrow from "apache-arrow";
import { op, table as makeTable } from "arquero";
import { captureOf } from "../../dist/streams/capture.js";
import type { NullableColumn, TimestampColumn } from "../../dist/streams/file-columns.js";
import { open, save } from "../../dist/tables/capture-file.js";
import { connection, sql } from "./duckdb.js";
import { at, kindOf, plain } from "./on-disk.js";

describe("files that others wrote", () => {
  // Written by polars 0.26.1 for Node: DataFrame.writeParquet and .writeIPC with each compression there is.
  const theirs = fileURLToPath(new URL("../../test/tables/files/", import.meta.url));
  const names = ["dd", "node", "kworker/0:1 <b>", "ünï", null];
  for (const file of ["lz4", "zstd", "snappy", "gzip", "brotli"]
    .map((codec) => `polars-${codec}.parquet`)
    .concat("polars-lz4.arrow", "polars-zstd.arrow"))
    test(`${file} holds what polars was given`, async () => {
      const table = await open(join(theirs, file));
      const expected = Array.from({ length: 1000 }, (_, i) => ({
        pid: 4294967295 - (i % 7),
        comm: names[i % 5],
        ret: i * 1e9 - 5,
        duration_ns: i % 3 ? i * 1.5 : null,
        ok: i % 4 === 0,
        cpu: i % 256,
        at: new Date(i * 1e9 - 5),
      }));
      assert.deepEqual(table.objects(), expected);
      assert.deepEqual(
        table.columnNames().map((name) => kindOf(table, name)),
        [
          "Uint32Array",
          "DictionaryColumn?",
          "Int64Column",
          "Float64Array?",
          "BooleanColumn",
          "Uint8Array",
          "TimestampColumn",
        ],
      );
      assert.equal(captureOf(table), undefined);
      assert.deepEqual(table.filter((d: { comm: string }) => d.comm !== "node").numRows(), 800);
      const sum = table.rollup({ sum: op.sum("ret"), mean: "d => op.mean(d.ret / 2)" }).object() as object;
      assert.deepEqual(sum, { sum: 499_500e9 - 5000, mean: (499_500e9 - 5000) / 2000 });
    });

  for (const version of ["v1", "v2"])
    for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"])
      test(`DuckDB's Parquet of ${version}, ${codec}: every type, with gaps and without`, async () => {
        const path = at(`duck-${version}-${codec}.parquet`);
        const columns = `(i % 256 - 128)::tinyint as i8, (i % 256)::utinyint as u8, (i * 7 % 65536)::usmallint as u16, (i - 500)::smallint as i16,
          (i * -1000003)::integer as i32, (4294967295 - i)::uinteger as u32, (9223372036854775807 - i)::bigint as i64, (18446744073709551615 - i)::ubigint as u64,
          i::float / 8 as f32, i::double / 3 as f64, i % 3 = 0 as ok, 'comm' || (i % 10) as comm, (i * 1000)::varchar || repeat('x', (i % 40)::int) as path,
          '\\xAA\\x00'::blob as blob, date '1970-01-01' + i::int as day, make_timestamp(i * 1000001) as us, epoch_ms(i * 1001) as ms, make_timestamp_ns(i * 1000000007) as ns, make_timestamp(i)::timestamptz as tz,
          [i, i + 1] as pair, [i for x in range(i % 3)] as list, {a: i, b: 'x'} as struct, (i / 100)::decimal(9, 2) as amount`;
        const rows = `select ${columns} from range(1000) t(i)`;
        await connection.run(`copy (${rows}) to '${path}' (compression ${codec}, parquet_version ${version})`);
        const table = await open(path);
        const kinds: Record<string, string> = Object.fromEntries(
          table.columnNames().map((name) => [name, kindOf(table, name)]),
        );
        assert.deepEqual(
          { ...kinds },
          {
            i8: "Int8Array",
            u8: "Uint8Array",
            u16: "Uint16Array",
            i16: "Int16Array",
            i32: "Int32Array",
            u32: "Uint32Array",
            i64: "Int64Column",
            u64: "Int64Column",
            f32: "Float32Array",
            f64: "Float64Array",
            ok: "BooleanColumn",
            comm: "DictionaryColumn",
            path: "DictionaryColumn",
            blob: "Array",
            day: "TimestampColumn",
            us: "TimestampColumn",
            ms: "TimestampColumn",
            ns: "TimestampColumn",
            tz: "TimestampColumn",
            pair: "Array",
            list: "Array",
            struct: "Array",
            amount: "Array",
          },
        );
        const expected = await sql(rows);
        const got = table.objects() as Record<string, unknown>[];
        for (const name of table.columnNames())
          assert.deepEqual(
            got.map((row) => plain(row[name])),
            expected.map((row) => plain(row[name])),
            name,
          );
        const ns = table.column("ns") as unknown as TimestampColumn;
        assert.deepEqual(
          [ns.unit, ns.values[999], (table.column("us") as unknown as TimestampColumn).unit],
          ["ns", 999n * 1_000_000_007n, "us"],
        );

        // Of the same file with a gap in each column, but for every other row.
        const holes = at(`holes-${version}-${codec}.parquet`);
        await connection.run(
          `copy (select ${table
            .columnNames()
            .map((name) => `case when i % 2 = 0 then ${name} end as ${name}`)
            .join(
              ", ",
            )} from (select row_number() over () as i, * from '${path}')) to '${holes}' (compression ${codec}, parquet_version ${version})`,
        );
        const gapped = await open(holes);
        for (const name of gapped.columnNames()) {
          assert.equal(kindOf(gapped, name).replace("?", ""), kinds[name], name);
          const values = Array.from({ length: 1000 }, (_, i) => plain(gapped.get(name, i)));
          assert.deepEqual(
            values,
            got.map((row, i) => (i % 2 === 0 ? null : plain(row[name]))),
            name,
          );
        }
      });

  test("a column is of a kind by its type, whatever its values are", async () => {
    const both = async (name: string, few: string, many: string) => {
      for (const [which, query] of [
        ["few", few],
        ["many", many],
      ] as const)
        await connection.run(`copy (${query}) to '${at(`${name}-${which}.parquet`)}'`);
      return Promise.all(["few", "many"].map(async (which) => open(at(`${name}-${which}.parquet`))));
    };
    for (const [type, few, many] of [
      ["uinteger", "0", "4294967295"],
      ["bigint", "1", "-9223372036854775807"],
      ["ubigint", "1", "18446744073709551615"],
      ["varchar", "'a'", "''"],
      ["integer[]", "[1, 2]", "[]"],
      ["timestamp", "'1970-01-01'", "'9999-01-01'"],
      ["double", "1", "'nan'"],
    ]) {
      const tables = await both(
        type!.replace("[]", "s"),
        `select ${few}::${type} as x`,
        `select ${many}::${type} as x`,
      );
      assert.equal(kindOf(tables[0]!, "x"), kindOf(tables[1]!, "x"), type);
    }
  });

  for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"])
    test(`moments of UTC keep their nanoseconds, in ${codec}`, async () => {
      const path = at(`utc-${codec}.parquet`);
      const moments = "make_timestamp_ns(i * 1000000007 - 5000000000000000001)";
      await connection.run(
        `copy (select i, ${moments} as t, if(i % 3 = 0, null, ${moments}) as maybe, i % 7 as n from range(70000) r(i)) to '${path}' (compression ${codec}, row_group_size 30000)`,
      );
      // DuckDB writes none that say they are of UTC: in the footer, true for false.
      const bytes = await readFile(path);
      const local = Buffer.from("8c121c3c000000", "hex");
      for (let found = bytes.indexOf(local); found >= 0; found = bytes.indexOf(local)) bytes[found + 1] = 0x11;
      await writeFile(path, bytes);
      const table = await open(path);
      assert.deepEqual(table.columnNames(), ["i", "t", "maybe", "n"]);
      const t = table.column("t") as unknown as TimestampColumn;
      assert.deepEqual([t.unit, t.utc, t.length], ["ns", true, 70000]);
      for (const i of [0, 1, 2047, 2048, 29_999, 30_000, 69_999]) {
        const moment = BigInt(i) * 1_000_000_007n - 5_000_000_000_000_000_001n;
        assert.equal(t.values[i], moment);
        const maybe = table.column("maybe") as unknown as NullableColumn<TimestampColumn>;
        assert.equal(maybe.valid[i], i % 3 === 0 ? 0 : 1);
        if (i % 3) assert.equal(maybe.values.values[i], moment);
        assert.deepEqual([table.get("i", i), table.get("n", i)], [i, i % 7]);
      }
    });

  test("integers of 64 bits can be reckoned with, are exact, and are BigInts for the asking", async () => {
    await connection.run(
      `copy (select i as n, (9007199254740990 + i)::ubigint as big from range(5) t(i)) to '${at("wide.parquet")}'`,
    );
    const table = await open(at("wide.parquet"));
    assert.deepEqual(table.derive({ half: "d => d.n / 2" }).array("half"), [0, 0.5, 1, 1.5, 2]);
    assert.deepEqual(table.array("big"), [
      9007199254740990,
      9007199254740991,
      9007199254740992n,
      9007199254740993n,
      9007199254740994n,
    ]);
    const exact = await open(at("wide.parquet"), { bigint: ["big"] });
    assert.deepEqual(
      exact.column("big"),
      BigUint64Array.of(9007199254740990n, 9007199254740991n, 9007199254740992n, 9007199254740993n, 9007199254740994n),
    );
    // Also inside of lists and structs.
    await connection.run(
      `copy (select [n, null] as list, {big: n + 1} as wrapped from (values (1::bigint), (9007199254740992)) t(n)) to '${at("nested.parquet")}'`,
    );
    const inside = [[1, null], { big: 2 }, [9007199254740992n, null], { big: 9007199254740993n }];
    const nested = (await open(at("nested.parquet"))).objects() as { list: unknown; wrapped: unknown }[];
    assert.deepEqual(nested.flatMap(({ list, wrapped }) => [list, wrapped]), inside); // prettier-ignore
    const lists = flechette.columnFromArray([[1n, 2n], [2n ** 53n]], flechette.list(flechette.int64()));
    await writeFile(at("nested.arrow"), flechette.tableToIPC(flechette.tableFromColumns({ lists }), {})!);
    assert.deepEqual((await open(at("nested.arrow"))).array("lists"), [[1, 2], [9007199254740992n]]);
    await save(table, at("again.parquet"));
    const [types] = await sql(
      `select string_agg(column_type, ' ') as types from (describe select * from '${at("again.parquet")}')`,
    );
    assert.equal(types!["types"], "BIGINT UBIGINT");
  });

  test("rows keep their order through many groups of rows and threads", async () => {
    await connection.run(
      `copy (select i::double as i, 'c' || (i % 3) as c from range(600000) t(i)) to '${at("order.parquet")}' (row_group_size 20000)`,
    );
    const table = await open(at("order.parquet"));
    const column = table.column("i") as unknown as Float64Array;
    assert.ok(column.every((value, row) => value === row));
    for (const row of [0, 1, 123_456, 599_999]) assert.equal(table.get("c", row), `c${row % 3}`);
  });

  test("a stream of Arrow that replaces or adds to a dictionary has each batch by its own", async () => {
    const words = (of: readonly string[], id = 7) =>
      arrow.vectorFromArray(of, new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id));
    const batches = [
      ["a", "b", "a"],
      ["x", "y", "x"],
      ["y", "a", "y"],
    ];
    const writer = new arrow.RecordBatchStreamWriter();
    for (const [i, of] of batches.entries())
      for (const batch of new arrow.Table({
        w: words(of),
        same: words(["p", "q", "p"], 8),
        n: arrow.vectorFromArray([i, null, 2], new arrow.Int32()),
      }).batches)
        writer.write(batch);
    writer.close();
    await writeFile(at("replaced.arrows"), await writer.toUint8Array());
    const table = await open(at("replaced.arrows"));
    assert.deepEqual(table.array("w"), batches.flat());
    assert.deepEqual(table.array("same"), ["p", "q", "p", "p", "q", "p", "p", "q", "p"]);
    assert.deepEqual(table.array("n"), [0, null, 2, 1, null, 2, 2, null, 2]);
  });

  test("its name is no pattern, and names of columns are what they are", async () => {
    const path = at("a[1]*{b}'\"?.parquet");
    const odd = makeTable({ Pid: [1], pid: [2], 'quo"te': [3], "a.b": [4], select: [5] });
    await save(odd, path);
    assert.deepEqual((await open(path)).objects(), odd.objects());
  });
});
