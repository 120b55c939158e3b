/** Files that are damaged, lie, or hold what cannot be read here. */
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import * as flechette from "@uwdata/flechette";
import { CaptureFileError, open, save } from "../../dist/tables/capture-file.js";
import { parquetWriteBuffer } from "hyparquet-writer";
import { registerArrowCodecs } from "../../dist/tables/arrow-codecs.js";
import { captured, random, writes } from "./events.js";
import { connection, sql } from "./duckdb.js";
import { at } from "./on-disk.js";

const faultOf = (path: string) =>
  open(path).then(
    () => "none",
    (error: unknown) => (error instanceof CaptureFileError ? error.fault : String(error)),
  );

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

  test("an Arrow file whose columns are of different lengths is damaged: no row goes missing unseen", async () => {
    const rows = 777;
    const a = flechette.columnFromArray(Int32Array.from({ length: rows }));
    const bytes = Buffer.from(flechette.tableToIPC(flechette.tableFromColumns({ a, b: a }), { format: "file" })!);
    const claim = Buffer.from(BigInt64Array.of(BigInt(rows)).buffer);
    const places = Array.from({ length: bytes.length - 8 }, (_, i) => i).filter((i) => bytes.subarray(i, i + 8).equals(claim)); // prettier-ignore
    for (const place of places.slice(-2))
      // each column's
      for (const wrong of [0n, 776n]) {
        const damaged = Buffer.from(bytes);
        damaged.writeBigInt64LE(wrong, place);
        await writeFile(at("lengths.arrow"), damaged);
        await assert.rejects(open(at("lengths.arrow")), /claims \d+ rows, and column [ab] has \d+ values/);
      }
  });

  test("an Arrow file that claims too few rows of all columns alike is damaged", async () => {
    const rows = 777;
    const columns = {
      a: flechette.columnFromArray(Int32Array.from({ length: rows }), flechette.int32()),
      b: flechette.columnFromArray(Float64Array.from({ length: rows }), flechette.float64()),
      c: flechette.columnFromArray(Array.from({ length: rows }, (_, i) => `word ${i}`), flechette.utf8()),
      d: flechette.columnFromArray(Array.from({ length: rows }, (_, i) => i % 2 === 0), flechette.bool()),
    }; // prettier-ignore
    const claim = Buffer.from(BigInt64Array.of(BigInt(rows)).buffer);
    for (const format of ["file", "stream"] as const) {
      const bytes = Buffer.from(flechette.tableToIPC(flechette.tableFromColumns(columns), { format })!);
      await writeFile(at("alike.arrow"), bytes);
      assert.equal((await open(at("alike.arrow"))).numRows(), rows);
      for (const wrong of [0n, 1n, 700n]) {
        const damaged = Buffer.from(bytes);
        for (let place = damaged.indexOf(claim); place >= 0; place = damaged.indexOf(claim, place + 8))
          damaged.writeBigInt64LE(wrong, place);
        await writeFile(at("alike.arrow"), damaged);
        await assert.rejects(open(at("alike.arrow")), (error: CaptureFileError) => {
          assert.equal(error.fault, "corrupt");
          assert.match(error.message, /it claims \d+ rows, and its columns hold 7\d\d or more/);
          return true;
        });
      }
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
