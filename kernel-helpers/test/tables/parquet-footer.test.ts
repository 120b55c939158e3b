/** Files of others whose footers are not as DuckDB writes them: counts that disagree, and moments of 96 bits. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquetWriteBuffer } from "hyparquet-writer";
import { NullableColumn, TimestampColumn } from "../../dist/streams/file-columns.js";
import { type CaptureFileError, open } from "../../dist/tables/capture-file.js";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-footer-"));
});
after(() => rm(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

/** A file that DuckDB writes. */
async function written(select: string, options = ""): Promise<Buffer> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const path = at("written.parquet");
  await connection.run(`copy (${select}) to '${path}' (format parquet${options})`);
  connection.closeSync();
  instance.closeSync();
  return readFile(path);
}

/** Where some bytes stand in a file's footer. */
function places(file: Buffer, bytes: Buffer): number[] {
  const found: number[] = [];
  for (let from = file.length - 8 - file.readUInt32LE(file.length - 8); ; from = found.at(-1)! + 1) {
    const place = file.indexOf(bytes, from);
    if (place < 0) return found;
    found.push(place);
  }
}

describe("a footer's counts", () => {
  const ROWS = 12345;
  // A field of 64 bits, one number after the one before it, in Thrift's compact protocol: zigzag, seven bits a byte.
  const field = (value: number) =>
    Buffer.from([0x16, (2 * value) & 127 | 128, ((2 * value) >> 7) & 127 | 128, (2 * value) >> 14]); // prettier-ignore

  test("that disagree are damage: no row goes missing unseen", async () => {
    const file = await written(`select i::integer as a, [i, i] as list, {x: i} as inside from range(${ROWS}) t(i)`);
    const counts = places(file, field(ROWS));
    assert.equal(counts.length, 4, "the file's, those of a and inside, the row group's: a list has more values");
    for (const claim of [0, 12344, 12346])
      for (const changed of [...counts.map((place) => [place]), [counts[0]!, counts[3]!], counts.slice(1, 3)]) {
        const wrong = Buffer.from(file);
        for (const place of changed) field(claim).copy(wrong, place);
        await writeFile(at("wrong.parquet"), wrong);
        await assert.rejects(open(at("wrong.parquet")), (error: CaptureFileError) => {
          assert.equal(error.fault, "corrupt", error.message);
          assert.match(error.message, /claims? [\d,]+ rows?, and (its row groups claim|column \S+ has) [\d,]+/);
          return true;
        });
      }
    // Where all of them agree on too little, the pages hold more.
    const all = Buffer.from(file);
    for (const place of counts) field(0).copy(all, place);
    const [list] = places(all, field(2 * ROWS));
    field(0).copy(all, list!);
    await writeFile(at("wrong.parquet"), all);
    await assert.rejects(open(at("wrong.parquet")), /column a claims 0 values, and its pages hold \d+/);
    await writeFile(at("right.parquet"), file);
    assert.equal((await open(at("right.parquet"))).numRows(), ROWS);
  });

  test("that agree are no damage, whatever is in the columns", async () => {
    const lists = "case when i % 3 = 0 then [] when i % 3 = 1 then null else [i, null] end";
    const file = await written(
      `select ${lists} as list, [{x: ${lists}}] as deep, {a: {b: ${lists}}} as wrapped, map {'k': i} as map from range(5000) t(i)`,
      ", row_group_size 2048",
    );
    await writeFile(at("lists.parquet"), file);
    const table = await open(at("lists.parquet"));
    assert.equal(table.numRows(), 5000);
    assert.deepEqual([0, 1, 2].map((row) => table.get("list", row)), [[], null, [2, null]]); // prettier-ignore
    await writeFile(at("none.parquet"), await written("select 1 as a where false"));
    const none = await open(at("none.parquet"));
    assert.deepEqual([none.numRows(), none.columnNames()], [0, ["a"]]);
  });
});

describe("moments of 96 bits, as Spark and Impala write them", () => {
  const DAY_1970 = 2_440_588; // Julian
  const moments = [0n, 1n, -1n, 1_700_000_000_123_456_789n, -86_400_000_000_001n, 4_102_444_799_999_999_999n];

  /** Eight bytes of nanoseconds in the day, four of the day. */
  function int96(ns: bigint): Uint8Array {
    const bytes = Buffer.alloc(12);
    const inDay = ((ns % 86_400_000_000_000n) + 86_400_000_000_000n) % 86_400_000_000_000n;
    bytes.writeBigUInt64LE(inDay);
    bytes.writeInt32LE(DAY_1970 + Number((ns - inDay) / 86_400_000_000_000n), 8);
    return bytes;
  }

  /** No writer at hand writes the type: it is that of arrays of 12 bytes by another number. */
  function file(values: readonly (bigint | null)[], codec: "SNAPPY" | "UNCOMPRESSED"): Buffer {
    const data = values.map((ns) => (ns === null ? null : int96(ns)));
    const bytes = Buffer.from(
      parquetWriteBuffer({
        columnData: [{ name: "seen", data, encoding: "PLAIN" }],
        schema: [
          { name: "root", num_children: 1 },
          { name: "seen", type: "FIXED_LEN_BYTE_ARRAY", type_length: 12, repetition_type: "OPTIONAL" },
        ],
        codec,
        statistics: false,
      }),
    );
    // Field 1 of the schema's element, with its length behind it, and of the column's metadata: 7 becomes 3, zigzag.
    const [inSchema] = places(bytes, Buffer.from([0x15, 14, 0x15, 24]));
    const [inColumn] = places(bytes, Buffer.from([0x15, 14, 0x19]));
    assert.ok(inSchema !== undefined && inColumn !== undefined);
    bytes[inSchema + 1] = bytes[inColumn + 1] = 6;
    return bytes;
  }

  for (const codec of ["UNCOMPRESSED", "SNAPPY"] as const)
    test(`keep their nanoseconds and their gaps, ${codec}`, async () => {
      const values = [...moments, null, ...moments];
      await writeFile(at("int96.parquet"), file(values, codec));
      const column = (await open(at("int96.parquet"))).column("seen") as unknown as NullableColumn<TimestampColumn>;
      assert.ok(column instanceof NullableColumn && column.values instanceof TimestampColumn);
      assert.equal(column.values.unit, "ns");
      assert.equal(column.values.utc, false, "of no known place");
      assert.deepEqual(Array.from(column.values.values, (ns, row) => (column.valid[row] ? ns : null)), values); // prettier-ignore
      assert.deepEqual(column.at(3), new Date("2023-11-14T22:13:20.123Z"));
      assert.deepEqual(column.at(4), new Date("1969-12-30T23:59:59.999Z"), "before 1970 down to the earlier one");
    });

  test("that are too far away for nanoseconds in 64 bits are Dates of what they are", async () => {
    const year = (text: string) => BigInt(new Date(text).getTime()) * 1_000_000n;
    await writeFile(at("far.parquet"), file([year("0001-01-01"), year("9999-12-31")], "UNCOMPRESSED"));
    const table = await open(at("far.parquet"));
    assert.deepEqual(table.array("seen"), [new Date("0001-01-01"), new Date("9999-12-31")]);
  });
});
