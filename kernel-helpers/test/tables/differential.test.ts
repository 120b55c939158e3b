/**
 * Random tables through every verb and every function, compared with the same in SQL. The same tables on every run;
 * BPFLAB_TABLES=1000 tries more of them, BPFLAB_SEED=17 the ones of one seed that failed.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { ColumnTable } from "arquero";
import { open, save } from "../../dist/tables/capture-file.js";
import { checks, type Pair } from "./differential/checks.js";
import { Chooser, randomTable, randomView } from "./differential/tables.js";

const tables = Number(process.env["BPFLAB_TABLES"] ?? 36);
const only = process.env["BPFLAB_SEED"];
const seeds = only === undefined ? Array.from({ length: tables }, (_, i) => i + 1) : [Number(only)];

let instance: DuckDBInstance;
let connection: DuckDBConnection;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-differential-"));
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});
after(async () => {
  connection.closeSync();
  instance.closeSync();
  await rm(directory, { recursive: true });
});

const made = new Map<number, [ColumnTable, ColumnTable]>();

/** The two tables of a seed, which are in DuckDB too. */
async function tablesOf(seed: number): Promise<[ColumnTable, ColumnTable]> {
  const choose = new Chooser(seed);
  const tables = made.get(seed) ?? [
    await randomTable(choose, connection, `a${seed}`),
    await randomTable(choose, connection, `b${seed}`),
  ];
  made.set(seed, tables);
  return tables;
}

/** A value such that the same is equal, whoever computed it: sums in another order differ in their last digits. */
function canonical(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return canonical(Number(value));
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as unknown[], canonical);
  if (typeof value === "number") return Number.isFinite(value) ? Number(value.toPrecision(12)) + 0 : null;
  return value;
}

const lines = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row.map(canonical)));

function ourRows(table: ColumnTable): unknown[][] {
  const names = table.columnNames();
  return (table.objects() as Record<string, unknown>[]).map((row) => names.map((name) => row[name]));
}

async function compareWith({ table, sql, ordered, ...rest }: Pair & { top?: number }, message: string): Promise<void> {
  const reader = await connection.runAndReadAll(sql);
  const [ours, theirs] = [lines(ourRows(table)), lines(reader.getRowsJS())];
  if (rest.top !== undefined) {
    // Of those that are equal at the end of the list either may be in it.
    assert.equal(ours.length, Math.min(rest.top, theirs.length), message);
    const excess = (line: string) => (JSON.parse(line) as unknown[]).at(-1);
    assert.deepEqual(ours.map(excess), theirs.slice(0, rest.top).map(excess), message);
    for (const line of ours) assert.ok(theirs.includes(line), message);
    return;
  }
  if (!ordered) for (const all of [ours, theirs]) all.sort();
  assert.deepEqual(ours, theirs, message);
}

for (const [name, check] of Object.entries(checks))
  test(`${name} of ${seeds.length} random tables is what SQL says`, async () => {
    for (const seed of seeds) {
      const choose = new Chooser(seed * 1000 + name.length);
      const [one, other] = await tablesOf(seed);
      const [a, b] = [randomView(choose, one, `a${seed}`), randomView(choose, other, `b${seed}`)];
      const pair = check(choose, a, b);
      await compareWith(pair, `BPFLAB_SEED=${seed}, ${name} of ${a.sql} and ${b.sql}:\n${pair.sql}`);
    }
  });

for (const kind of ["parquet", "arrow"])
  test(`${Math.ceil(seeds.length / 3)} random tables, saved as ${kind} and opened, are the same`, async () => {
    for (const seed of seeds.filter((_, i) => i % 3 === 0)) {
      const [made] = await tablesOf(seed);
      const { table, sql } = randomView(new Chooser(seed), made, `a${seed}`);
      const path = join(directory, `table.${kind}`);
      await save(table, path);
      const again = await open(path);
      assert.deepEqual(lines(ourRows(again.select(table.columnNames()))), lines(ourRows(table)), `BPFLAB_SEED=${seed}`);
      if (kind === "parquet")
        await compareWith(
          { table: again, sql: `select ${again.columnNames().join()} from '${path}'` },
          `BPFLAB_SEED=${seed}, DuckDB reads ${sql}`,
        );
    }
  });
