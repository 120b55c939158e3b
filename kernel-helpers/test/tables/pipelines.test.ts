/**
 * Random pipelines of verbs over every kind of column, compared with arquero over plain arrays and with SQL. The same
 * pipelines on every run; BPFLAB_PIPELINES=5000 tries more, BPFLAB_SEED=17 the ones of a seed that failed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ColumnTable, table as makeTable } from "arquero";
import { Chooser, randomTable } from "./differential/tables.js";
import { randomPipeline, type Stage } from "./differential/pipelines.js";
import { connection } from "./duckdb.js";

const columns = {
  id: "number",
  comm: "text",
  pid: "number",
  tid: "number",
  fd: "number",
  ok: "truth",
  ret: "number",
  maybe: "maybe",
  note: "note",
  source: "text",
  seen: "other",
  wide: "other",
  big: "other",
  histogram: "other",
} as const;
const names = Object.keys(columns);

/** Arquero's own table of the same values, in plain arrays. */
const plain = (table: ColumnTable) =>
  makeTable(
    Object.fromEntries(names.map((name) => [name, Array.from(table.array(name) as ArrayLike<unknown>)])) as never,
  );

function canonical(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return canonical(Number(value));
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as unknown[], canonical);
  if (typeof value === "number") return Number.isFinite(value) ? Number(value.toPrecision(10)) + 0 : null;
  return value;
}

const lines = (rows: readonly unknown[][]) => rows.map((row) => JSON.stringify(row.map(canonical))).sort();
const rowsOf = (table: ColumnTable, of: readonly string[]) =>
  (table.objects({ limit: Infinity }) as Record<string, unknown>[]).map((row) => of.map((name) => row[name]));

const only = process.env["BPFLAB_SEED"];
const count = Number(process.env["BPFLAB_PIPELINES"] ?? 300);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)];

test(`${seeds.length} random pipelines are what SQL says, and what arquero makes of plain arrays`, async () => {
  const made = new Map<number, Promise<ColumnTable>>();
  for (const seed of seeds) {
    const of = seed % 20;
    if (!made.has(of)) made.set(of, randomTable(new Chooser(of + 500), connection, `p${of}`));
    const table = await made.get(of)!;
    const choose = new Chooser(seed + 7000);
    const start: Stage = {
      tables: [table.select(names), plain(table)],
      sql: `(select ${names.join()} from p${of})`,
      columns,
      unique: ["id"],
    };
    let what = "";
    try {
      const { tables, sql, columns: kinds, names: verbs } = randomPipeline(choose, start, 3 + choose.below(3));
      const shown = Object.keys(kinds);
      what = `${verbs.join(", ")}: select ${shown.join()} from ${sql}`;
      const [ours, theirs] = tables.map((one) => lines(rowsOf(one, shown)));
      assert.deepEqual(ours, theirs, "plain arrays");
      const reader = await connection.runAndReadAll(`select ${shown.join()} from ${sql}`);
      assert.deepEqual(ours, lines(reader.getRowsJS()), "SQL");
    } catch (error) {
      throw new Error(`BPFLAB_SEED=${seed}, ${what}`, { cause: error });
    }
  }
});
