/** Files of others, files that are damaged, and saves that fail. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import * as flechette from "@uwdata/flechette";
import { type ColumnTable, op, table as makeTable } from "arquero";
import { concatTables } from "../../dist/streams/concat-tables.js";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { captureOf } from "../../dist/streams/capture.js";
import { Int64Column, NullableColumn, TimestampColumn } from "../../dist/streams/file-columns.js";
import { CaptureFileError, open, save } from "../../dist/tables/capture-file.js";
import { parquetWriteBuffer } from "hyparquet-writer";
import { registerArrowCodecs } from "../../dist/tables/arrow-codecs.js";
import { captured, random, writes } from "./events.js";

let directory: string;
let connection: DuckDBConnection;
let instance: DuckDBInstance;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-files-"));
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
});
after(async () => {
  connection.closeSync();
  instance.closeSync();
  await rm(directory, { recursive: true });
});

const at = (name: string) => join(directory, name);
const sql = async (text: string) => (await connection.runAndReadAll(text)).getRowObjectsJS();
const kindOf = (table: ColumnTable, name: string): string => {
  const column = table.column(name) as unknown as { values?: unknown; constructor: { name: string } };
  return column instanceof NullableColumn ? `${column.values!.constructor.name}?` : column.constructor.name;
};
const faultOf = (path: string) =>
  open(path).then(
    () => "none",
    (error: unknown) => (error instanceof CaptureFileError ? error.fault : String(error)),
  );

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

  test("its name is no pattern, and names of columns are what they are", async () => {
    const path = at("a[1]*{b}'\"?.parquet");
    const odd = makeTable({ Pid: [1], pid: [2], 'quo"te': [3], "a.b": [4], select: [5] });
    await save(odd, path);
    assert.deepEqual((await open(path)).objects(), odd.objects());
  });
});

const plain = (value: unknown): unknown => {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint" && value >= -(2n ** 53n) && value < 2n ** 53n) return Number(value);
  return value;
};

describe("files that are not what they should be", () => {
  for (const kind of ["parquet", "arrow"]) {
    test(`an empty, cut, damaged or foreign .${kind} is told apart`, async () => {
      const whole = at(`whole.${kind}`);
      await save(captured(writes(500), 3), whole);
      const bytes = await readFile(whole);
      const broken = at(`broken.${kind}`);
      const fault = async (contents: Uint8Array | string) => (await writeFile(broken, contents), faultOf(broken));
      assert.equal(await fault(""), "empty");
      for (const length of [1, 3, 4, 7, 8, 12, 100, bytes.length >> 1, bytes.length - 1])
        assert.equal(await fault(bytes.subarray(0, length)), "truncated", `${length} bytes`);
      assert.equal(await fault(Buffer.concat([bytes.subarray(0, 200), bytes.subarray(300)])), "corrupt");
      assert.equal(await fault(Buffer.concat([Buffer.alloc(8), bytes.subarray(8)])), "corrupt");
      assert.equal(await fault(Buffer.concat([bytes.subarray(0, 8), bytes.subarray(-8)])), "corrupt");
      for (const foreign of [
        "pid,comm\n1,dd\n",
        '{"pid": 1}',
        "\x1f\x8b\x08",
        "PK\x03\x04",
        Buffer.alloc(1000),
        "SQLite format 3\0",
      ])
        assert.equal(await fault(foreign), "foreign", String(foreign));
      await writeFile(broken, '{"pid": 1}');
      await assert.rejects(open(broken), /is neither a Parquet nor an Arrow file: it looks like JSON\.$/);
    });

    test(`a bit that flipped anywhere in a .${kind} is noticed`, async () => {
      const whole = at(`sealed.${kind}`);
      await save(captured(writes(100), 3), whole);
      const bytes = await readFile(whole);
      const flipped = at(`flipped.${kind}`);
      const next = random(bytes.length);
      const places = Array.from({ length: 40 }, () => Math.floor(next() * bytes.length * 8));
      // and each bit of the checksum's own name and value
      const name = bytes.lastIndexOf("bpflab.checksum");
      const value = bytes.lastIndexOf("bpflab-crc32:");
      for (const start of [name, value]) for (let bit = start * 8; bit < (start + 21) * 8; bit += 7) places.push(bit);
      for (const place of places) {
        const damaged = Buffer.from(bytes);
        damaged[place >> 3]! ^= 1 << (place & 7);
        await writeFile(flipped, damaged);
        const fault = await faultOf(flipped);
        assert.ok(fault === "corrupt" || fault === "truncated", `bit ${place}: ${fault}`);
      }
    });
  }

  test("a bit that flipped in a page is noticed in files of others, if their pages have checksums", async () => {
    const path = at("pages.parquet");
    const rows = 300_000; // more than a page of each column
    await save(writes(rows).select("start_ns", "duration_ns", "comm", "fd"), path);
    const written = await readFile(path, "latin1");
    // The same file as somebody else's, who puts no checksum of the whole into it.
    const bytes = Buffer.from(written.replaceAll("bpflab.checksum", "foreign.notice.").replaceAll("bpflab-crc32:", "foreign-crc-:"), "latin1"); // prettier-ignore
    await writeFile(path, bytes);
    const table = await open(path);
    assert.equal(table.numRows(), rows);
    const [summed] = await sql(`select sum(fd)::int as fds, count(distinct comm)::int as comms from '${path}'`);
    assert.deepEqual({ ...summed }, { fds: rows, comms: 4 });
    const pages = bytes.length - bytes.readUInt32LE(bytes.length - 8) - 1000;
    const next = random(rows);
    const columns = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const place = Math.floor((4 + ((i + next()) / 12) * (pages - 4)) * 8);
      const damaged = Buffer.from(bytes);
      damaged[place >> 3]! ^= 1 << (place & 7);
      await writeFile(path, damaged);
      const error = await open(path).then(() => assert.fail(`bit ${place} went unnoticed`), (error: Error) => error); // prettier-ignore
      assert.ok(error instanceof CaptureFileError && error.fault === "corrupt", `bit ${place}: ${error.message}`);
      const named = /the checksum of page \d+ of column (\w+) is not that of its contents/.exec(error.message);
      if (named) columns.add(named[1]!);
    }
    assert.ok(columns.has("start_ns") && columns.has("duration_ns"), [...columns].join());
  });

  test("what a file holds that cannot be read here is told apart from damage", async () => {
    const path = at("foreign-kind.parquet");
    const columnData = [{ name: "a", data: Int32Array.of(1, 2, 3) }];
    const compressors = { LZ4: (bytes: Uint8Array) => bytes };
    await writeFile(path, Buffer.from(parquetWriteBuffer({ columnData, codec: "LZ4", compressors })));
    await assert.rejects(open(path), (error: CaptureFileError) => {
      assert.equal(error.fault, "unsupported");
      assert.match(
        error.message,
        /^\S+foreign-kind\.parquet holds what cannot be read here: .*compression codec "LZ4"/,
      );
      assert.doesNotMatch(error.message, /proc\/self/);
      return true;
    });
    // A stream of nothing but a schema (a flatbuffer), with no fields and big-endian numbers.
    const schema = Buffer.from("100000000c0010000800 0a0004000000 0c000000 10000000 0400 0100 0800080004000000 08000000 01000000 00000000".replaceAll(" ", ""), "hex"); // prettier-ignore
    const head = Buffer.from("ffffffff30000000", "hex");
    await writeFile(at("big-end.arrow"), Buffer.concat([head, schema, Buffer.from("ffffffff00000000", "hex")]));
    assert.equal(await faultOf(at("big-end.arrow")), "unsupported", "or its numbers would be others");
  });

  test("an Arrow column that claims more than it has is refused before a value is read", async () => {
    const words = flechette.columnFromArray(["first", "second", "third"], flechette.utf8());
    const lists = flechette.columnFromArray([[1], [2, 3], [4]], flechette.list(flechette.int32()));
    const bytes = Buffer.from(
      flechette.tableToIPC(flechette.tableFromColumns({ words, lists }), { format: "stream" })!,
    );
    await writeFile(at("offsets.arrow"), bytes);
    assert.deepEqual((await open(at("offsets.arrow"))).array("words"), ["first", "second", "third"]);
    for (const [offsets, wrong] of [
      [
        [0, 5, 11, 16],
        [0, 5, 11, 2_000_000_000],
      ],
      [
        [0, 5, 11, 16],
        [0, 11, 5, 16],
      ],
      [
        [0, 1, 3, 4],
        [0, 1, 3, 1_000_000_000],
      ],
      [
        [0, 1, 3, 4],
        [-5, 1, 3, 4],
      ],
    ] as const) {
      const place = bytes.indexOf(Buffer.from(Int32Array.from(offsets).buffer));
      const damaged = Buffer.from(bytes);
      Buffer.from(Int32Array.from(wrong).buffer).copy(damaged, place);
      await writeFile(at("offsets.arrow"), damaged);
      await assert.rejects(open(at("offsets.arrow")), /claims 3 values and has offsets that lead out of it/);
    }
  });

  test("what zstd unpacks lies where columns of 8 bytes a value can be read", () => {
    registerArrowCodecs();
    const { decode } = flechette.getCompressionCodec(flechette.CompressionType.ZSTD)!;
    for (let size = 8; size <= 64; size += 8) {
      // A frame of one block that is stored as it is (RFC 8878).
      const block = Buffer.alloc(3);
      block.writeUIntLE((size << 3) | 1, 0, 3);
      const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, size]), block, Buffer.alloc(size, 7)]);
      const unpacked = decode(frame);
      assert.deepEqual([unpacked.length, unpacked.byteOffset % 8, unpacked[0]], [size, 0, 7]);
    }
  });

  test("a small file that claims much is refused before it takes memory, and can be allowed", async () => {
    const path = at("much.parquet");
    await connection.run(`copy (select 1::double as a, 2::bigint as b, 'x' as c from range(12000000)) to '${path}'`);
    assert.ok((await stat(path)).size < 500_000);
    const before = process.memoryUsage().rss;
    await assert.rejects(open(path), (error: CaptureFileError) => {
      assert.equal(error.fault, "too large");
      assert.match(
        error.message,
        /much\.parquet claims 12,000,000 rows of 3 columns, which take \d+ MiB of memory, more than the bound of 256 MiB; the file has [\d.]+ KiB\./,
      );
      assert.match(error.hint!, /capture\.open\(path, \{ maxBytes: \d+ \}\)/);
      return true;
    });
    assert.ok(process.memoryUsage().rss - before < 200e6);
    await connection.run(`copy (select 1::double as a from range(100000)) to '${path}'`);
    assert.equal((await open(path, { maxBytes: 800_000 })).numRows(), 100_000);
    await assert.rejects(open(path, { maxBytes: 799_999 }), /more than the bound of 781 KiB/);
  });
});

describe("saving", () => {
  const kinds = {
    i8: Int8Array.of(-128, 127, 0),
    u8: Uint8Array.of(0, 255, 1),
    i16: Int16Array.of(-32768, 32767, 0),
    u16: Uint16Array.of(0, 65535, 1),
    i32: Int32Array.of(-2147483648, 2147483647, 0),
    u32: Uint32Array.of(0, 4294967295, 1),
    small: Uint32Array.of(0, 1, 2),
    f32: Float32Array.of(0.5, NaN, -Infinity),
    f64: Float64Array.of(0.1, NaN, -0),
    int64: new Int64Column(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 5n)),
    uint64: new Int64Column(BigUint64Array.of(0n, 2n ** 64n - 1n, 5n)),
    big: BigInt64Array.of(-1n, 1n, 2n),
    ubig: BigUint64Array.of(2n ** 64n - 1n, 1n, 2n),
    ok: new BooleanColumn(Uint8Array.of(1, 0, 1)),
    comm: new DictionaryColumn(Uint32Array.of(1, 0, 1), ["a", "ünï\u0000b"]),
    day: new TimestampColumn(BigInt64Array.of(-1n, 0n, 20000n), "day", false),
    ms: new TimestampColumn(BigInt64Array.of(-1n, 0n, 1n), "ms"),
    us: new TimestampColumn(BigInt64Array.of(-1n, 0n, 1_700_000_000_123_456n), "us"),
    ns: new TimestampColumn(BigInt64Array.of(-1n, 0n, 1_700_000_000_123_456_789n), "ns", false),
    utc: new TimestampColumn(BigInt64Array.of(-1n, 0n, 1_700_000_000_123_456_789n), "ns"),
    list: new ListColumn(Uint32Array.of(1, 2, 3, 4, 5, 4294967295), 2),
    bigs: new ListColumn(BigUint64Array.of(1n, 2n, 3n, 4n, 5n, 2n ** 64n - 1n), 2),
  };
  const gaps = Object.fromEntries(
    Object.entries(kinds).flatMap(([name, column]) =>
      column instanceof ListColumn
        ? []
        : [[`${name}_gap`, new NullableColumn(column as never, Uint8Array.of(1, 1, 0))]],
    ),
  );
  for (const kind of ["parquet", "arrow"])
    test(`as .${kind} keeps the type of each column, with gaps and without, also of a part of the rows`, async () => {
      const path = at(`kinds.${kind}`);
      const table = makeTable({ ...kinds, ...gaps } as unknown as Record<string, never>);
      await save(table, path);
      const again = await open(path);
      assert.deepEqual(again.columnNames(), table.columnNames());
      for (const name of table.columnNames()) {
        assert.equal(kindOf(again, name), kindOf(table, name), name);
        assert.deepEqual(plain(again.array(name)), plain(table.array(name)), name);
        const [was, is] = [table, again].map((t) => t.column(name) as unknown as TimestampColumn);
        if (was instanceof TimestampColumn)
          assert.deepEqual([is!.unit, is!.utc, is!.values], [was.unit, was.utc, was.values], name);
      }
      await save(again.filter("d => d.u8 < 2"), path);
      const part = await open(path);
      assert.equal(part.numRows(), 2);
      for (const name of Object.keys(kinds)) assert.equal(kindOf(part, name), kindOf(table, name), name);
      const twice = concatTables([again, again]);
      assert.equal(twice.numRows(), 6);
      for (const name of table.columnNames()) assert.equal(kindOf(twice, name), kindOf(table, name), name);
    });

  test("a file is its owner's alone, unless it was given to others before", async () => {
    const path = at("mode.parquet");
    await save(writes(3), path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await promisify(execFile)("chmod", ["640", path]);
    await save(writes(4), path);
    assert.equal((await stat(path)).mode & 0o777, 0o640);
  });

  const dist = new URL("../../dist/", import.meta.url);
  const program = (body: string) => `
    import { save, open } from ${JSON.stringify(new URL("tables/capture-file.js", dist).href)};
    import { table } from "arquero";
    import { execFileSync } from "node:child_process";
    const rows = (count) => table({ n: Float64Array.from({ length: count }, (_, i) => Math.sqrt(i)), count: new Uint32Array(count).fill(count) });
    ${body}`;
  const node = (body: string) => ["--input-type=module", "-e", program(body)];

  for (const kind of ["parquet", "arrow"]) {
    test(`on a full disk leaves the old .${kind}, and nothing else`, async () => {
      const mountpoint = await mkdtemp(join(directory, "full-"));
      const path = join(mountpoint, `x.${kind}`);
      // The mount is the child's own, and goes with it.
      const { stdout } = await promisify(execFile)(
        "unshare",
        [
          "--mount",
          process.execPath,
          ...node(`
          execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", ${JSON.stringify(mountpoint)}]);
          await save(rows(1000), ${JSON.stringify(path)});
          const error = await save(rows(500000), ${JSON.stringify(path)}).then(() => "saved", (error) => error.message.split("\\n")[0]);
          const { readdirSync } = await import("node:fs");
          console.log(JSON.stringify([error, (await open(${JSON.stringify(path)})).numRows(), readdirSync(${JSON.stringify(mountpoint)})]));`),
        ],
        { cwd: fileURLToPath(new URL("..", dist)) },
      );
      const [error, left, names] = JSON.parse(stdout) as [string, number, string[]];
      assert.equal(error, `${path} cannot be saved: the disk is full. The file that was there before is unchanged.`);
      assert.equal(left, 1000);
      assert.deepEqual(names, [`x.${kind}`]);
    });

    test(`that is killed leaves the old .${kind} or the new one, and the next save what it left behind`, async () => {
      const path = at(`killed.${kind}`);
      await save(makeTable({ n: Float64Array.of(0), count: Uint32Array.of(1) }), path);
      const next = random(kind.length);
      for (let time = 0; time < 4; time++) {
        const child = spawn(
          process.execPath,
          node(
            `console.log("begins"); for (;;) for (const count of [100000, 200000]) await save(rows(count), ${JSON.stringify(path)});`,
          ),
          { stdio: ["ignore", "pipe", "inherit"], cwd: fileURLToPath(new URL("..", dist)) },
        );
        try {
          await once(child.stdout, "data");
          await sleep(20 + next() * 200);
        } finally {
          child.kill("SIGKILL");
        }
        await once(child, "exit");
        const table = await open(path);
        assert.equal(table.get("count", 0), table.numRows());
      }
      await save(writes(2), path);
      assert.deepEqual(
        (await readdir(directory)).filter((name) => name.endsWith(".partial")),
        [],
      );
    });
  }

  test("into a directory that is not there, or that is the file, is refused in one sentence", async () => {
    await assert.rejects(
      save(writes(1), at("nowhere/x.parquet")),
      /^ArgumentError: .*nowhere\/x\.parquet cannot be written: ENOENT/,
    );
    await truncate(at("mode.parquet"), 0);
    await assert.rejects(open(directory), /cannot be read: /);
  });
});
