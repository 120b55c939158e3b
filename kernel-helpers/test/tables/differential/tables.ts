/** Random tables of every kind of column, and the same tables in DuckDB. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type ColumnTable, table as makeTable } from "arquero";
import { AddressColumn, BooleanColumn, DictionaryColumn, ListColumn } from "../../../dist/streams/event-columns.js";
import { Int64Column, NullableColumn, TimestampColumn } from "../../../dist/streams/file-columns.js";
import { captured, random } from "../events.js";

/** Chooses; the same for the same seed. */
export class Chooser {
  readonly #next: () => number;

  constructor(readonly seed: number) {
    this.#next = random(seed * 2654435761);
    for (let i = 0; i < 8; i++) this.#next(); // the first numbers of close seeds are close
  }
  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}

const words = ["dd", "node", "kworker/0:1", "", "5", "null", "ünï", "it's <b>", 'a"b\\c', "x".repeat(40)];
const sizes = [0, 1, 2, 3, 8, 20, 40];
const durations = [0, 1, 2, 3, 7, 100, 999, 1000, 1024, 65535.5, 1e6, 2 ** 31, 2 ** 40 + 1, 2 ** 53];

/** A table with the columns below, which is in DuckDB under `name`. `id` tells its rows apart. */
export async function randomTable(choose: Chooser, connection: DuckDBConnection, name: string): Promise<ColumnTable> {
  const rows = choose.of(sizes);
  const many = <Value>(make: (row: number) => Value) => Array.from({ length: rows }, (_, row) => make(row));
  // Words that no row has, and one that stands in the dictionary twice, as other writers' dictionaries may have it.
  const dictionary = [...words, words[0]!, words[1]!];
  const spread = 1 + choose.below(dictionary.length);
  const codes = () => Uint32Array.from(many(() => choose.below(spread)));
  const valid = () => Uint8Array.from(many(() => Number(choose.below(4) > 0)));
  const bytes = new Uint8Array(rows * 4).map(() => choose.of([0, 1, 10, 127, 198, 255]));
  const signs = choose.of([1, 1, -1]);
  const columns = {
    id: Float64Array.from(many((row) => row)),
    comm: new DictionaryColumn(codes(), dictionary),
    pid: Uint32Array.from(many(() => choose.of([0, 1, 2, 1000, 4294967295]))),
    tid: Uint32Array.from(many(() => choose.below(4))),
    fd: Int32Array.from(many(() => choose.of([-1, 0, 1, 2, 2147483647, -2147483648]))),
    cpu: Uint8Array.from(many(() => choose.of([0, 1, 255]))),
    ok: new BooleanColumn(Uint8Array.from(many(() => choose.below(2)))),
    ret: Float64Array.from(many(() => choose.of([-9, -1, 0, 1, 15, 16, 255, 256, 4096, 65536, 1048576, 2 ** 40]))),
    start_ns: Float64Array.from(many(() => 1e15 + choose.below(50) * 10)),
    duration_ns: Float64Array.from(many(() => choose.of(durations) * signs)),
    big: BigUint64Array.from(many(() => choose.of([0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]))),
    wide: new Int64Column(BigInt64Array.from(many(() => choose.of([0n, -1n, 12345678901n, 2n ** 62n + 1n])))),
    maybe: new NullableColumn(Float64Array.from(many(() => choose.of([0, 1, 2.5, -7]))), valid()),
    note: new NullableColumn(new DictionaryColumn(codes(), dictionary), valid()),
    seen: new TimestampColumn(BigInt64Array.from(many(() => BigInt(choose.below(5)) * 1_000_000n)), "us"),
    source: new AddressColumn(bytes, 4),
    histogram: new ListColumn(
      Float64Array.from({ length: rows * 5 }, () => choose.of([0, 0, 1, 3, 1000])),
      5,
    ),
  };
  const made = makeTable(columns as unknown as Record<string, never>);
  await connection.run(
    `create or replace table ${name} (id double, comm varchar, pid uinteger, tid uinteger, fd integer, cpu utinyint, ok boolean, ret double, start_ns double, duration_ns double, big ubigint, wide bigint, maybe double, note varchar, seen timestamp, source varchar, histogram double[])`,
  );
  if (rows > 0) {
    const lines = many(
      (row) =>
        `(${Object.values(columns)
          .map((column) => literal((column as { at(row: number): unknown }).at(row)))
          .join(", ")})`,
    );
    await connection.run(`insert into ${name} values ${lines.join(", ")}`);
  }
  return captured(made);
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (value instanceof Date) return `'${value.toISOString().slice(0, 23)}'`;
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as Float64Array).join(", ")}]`;
  return String(value as number);
}

/** A table as it is and as SQL has it: filtered, sorted, grouped or cut at random. */
export interface View {
  table: ColumnTable;
  sql: string;
}

export function randomView(choose: Chooser, table: ColumnTable, name: string): View {
  let view: View = { table, sql: `(from ${name})` };
  for (let step = choose.below(3); step > 0; step--) view = choose.of(steps)(choose, view);
  return view;
}

const steps: ((choose: Chooser, view: View) => View)[] = [
  (choose, { table, sql }) => {
    const [ours, theirs] = randomTest(choose);
    return { table: table.filter(`d => ${ours}`), sql: `(from ${sql} where ${theirs})` };
  },
  (_, { table, sql }) => ({ table: table.orderby("duration_ns", "id"), sql }),
  (_, { table, sql }) => ({ table: table.groupby("comm").ungroup(), sql }),
  (_, { table, sql }) => ({ table: table.reify(), sql }),
  (choose, { table, sql }) => {
    const rows = 1 + choose.below(20);
    return { table: table.orderby("id").slice(0, rows), sql: `(from ${sql} order by id limit ${rows})` };
  },
  (_, { table, sql }) => ({ table: table.derive({ more: "d => d.pid" }).select("id", ...names), sql }),
];

const names = [
  "comm",
  "pid",
  "tid",
  "fd",
  "cpu",
  "ok",
  "ret",
  "start_ns",
  "duration_ns",
  "big",
  "wide",
  "maybe",
  "note",
  "seen",
  "source",
  "histogram",
];

/** A test of a row, for arquero and for SQL. */
export function randomTest(choose: Chooser): [string, string] {
  const word = choose.of([...words, "nowhere"]);
  const [ours, theirs] = [JSON.stringify(word), literal(word)];
  const number = choose.of([0, 1, 1000, 4294967295]);
  const simple = (): [string, string] =>
    choose.of<[string, string]>([
      [`d.comm === ${ours}`, `comm = ${theirs}`],
      [`d.comm !== ${ours}`, `comm <> ${theirs}`],
      [`${ours} != d.comm`, `comm <> ${theirs}`],
      [`op.equal(d.comm, ${ours})`, `comm = ${theirs}`],
      [`d.comm != null`, `comm is not null`],
      [`d.note == null`, `note is null`],
      [`d.note !== null && d.note !== ${ours}`, `note is not null and note <> ${theirs}`],
      [`d.note === ${ours}`, `note is not distinct from ${theirs}`],
      [`d.maybe !== null && d.maybe >= 1`, `maybe >= 1`],
      [`d.maybe === null`, `maybe is null`],
      [`d.ok`, `ok`],
      [`d.ok === false`, `ok = false`],
      [`d.pid === ${number}`, `pid = ${number}`],
      [`d.fd < ${number}`, `fd < ${number}`],
      [`d.wide > ${number}`, `wide > ${number}`],
      [`d.big === 9007199254740993n`, `big = 9007199254740993`],
      [`op.startswith(d.source, "1")`, `source like '1%'`],
      [`op.includes([${ours}, "node"], d.comm)`, `comm in (${theirs}, 'node')`],
      [`!(d.comm !== ${ours})`, `comm = ${theirs}`],
      [`d.comm == null || d.comm > ${ours}`, `comm > ${theirs}`],
      [`d.comm === d.note`, `comm = note`],
      [`\`\${d.comm}/\${d.tid}\` === ${ours} + "/1"`, `comm = ${theirs} and tid = 1`],
      [`(d.ok ? d.comm : d.source) !== ${ours}`, `if(ok, comm, source) <> ${theirs}`],
    ]);
  const [a, b] = [simple(), simple()];
  return choose.of<[string, string]>([
    a,
    [`(${a[0]}) || (${b[0]})`, `coalesce(${a[1]}, false) or coalesce(${b[1]}, false)`],
    [`(${a[0]}) && (${b[0]})`, `(${a[1]}) and (${b[1]})`],
    [`!(${a[0]})`, `not coalesce(${a[1]}, false)`],
    [`(${a[0]}) ? true : (${b[0]})`, `coalesce(${a[1]}, false) or coalesce(${b[1]}, false)`],
  ]);
}
