/** Saving: what comes of it, and what is left when it fails or is killed. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { table as makeTable } from "arquero";
import { concatTables } from "../../dist/streams/concat-tables.js";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn } from "../../dist/streams/file-columns.js";
import { open, save } from "../../dist/tables/capture-file.js";
import { random, writes } from "./events.js";
import { at, directory, kindOf, plain } from "./on-disk.js";

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
