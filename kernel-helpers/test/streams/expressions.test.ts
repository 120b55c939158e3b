import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ColumnTable, desc, op, table as makeTable } from "arquero";
import { isDerived, markCapture } from "../../dist/streams/capture.js";
import {
  AddressColumn,
  BooleanColumn,
  DictionaryColumn,
  ListColumn,
  WideColumn,
} from "../../dist/streams/event-columns.js";

// Arquero rewrites expressions by what a column can do. Whatever it does, our columns must answer as plain arrays do.

const addresses = Uint8Array.from([
  ...Array<number>(10).fill(0),
  255,
  255,
  198,
  18,
  0,
  2,
  0x20,
  1,
  ...Array<number>(13).fill(0),
  1,
]);

/** Four rows of each kind of column that streams make, and the same as arrays. */
const columns: Record<string, { length: number }> = {
  comm: new DictionaryColumn(Uint32Array.of(0, 1, 2, 3), ["dd", "5", "", "null"]),
  twice: new DictionaryColumn(Uint32Array.of(0, 1, 2, 1), ["dd", "node", "dd"]),
  beyond: new DictionaryColumn(Uint32Array.of(0, 1, 0, 7), ["dd", "node"]),
  ok: new BooleanColumn(Uint8Array.of(1, 0, 1, 0)),
  source: new AddressColumn(Uint8Array.from([...addresses, ...addresses])),
  wide: new WideColumn(BigUint64Array.of(5n, 0n, 1n, 1n, 0n, 0n, 2n ** 64n - 1n, 2n ** 64n - 1n), true),
  pair: new ListColumn(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2),
  names: new ListColumn(new DictionaryColumn(Uint32Array.of(0, 1, 1, 0, 0, 0, 1, 1), ["a", "b"]), 2),
  pid: Uint32Array.of(1, 5, 0, 4_294_967_295),
};
const tableOf = (of: Record<string, unknown>): ColumnTable => makeTable(of as Record<string, never>);
const ours = tableOf(columns);
const plain = tableOf(
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, Array.from(column as never)])),
);

const operators = ["===", "!==", "==", "!="];
const literals = [
  '"dd"',
  '"node"',
  '"5"',
  '""',
  '"null"',
  '"nowhere"',
  "5",
  "0",
  "1",
  "5n",
  "null",
  "undefined",
  "NaN",
  "true",
  "false",
  '"198.18.0.2"',
];
const comparisons = Object.keys(columns).flatMap((name) =>
  literals.flatMap((literal) => [
    ...operators.flatMap((operator) => [`d.${name} ${operator} ${literal}`, `${literal} ${operator} d.${name}`]),
    `op.equal(d.${name}, ${literal})`,
    `op.equal(${literal}, d.${name})`,
  ]),
);
const wrappings = [
  (test: string) => test,
  (test: string) => `!(${test})`,
  (test: string) => `${test} || d.pid > 4`,
  (test: string) => `d.pid > 4 || (${test})`,
  (test: string) => `(${test}) && d.pid < 5`,
  (test: string) => `(${test}) ? d.pid : d.comm`,
  (test: string) => `op.is_nan((${test}) ? NaN : 1)`,
];

/** What a table holds, with rows of typed arrays as arrays. */
const contents = (table: ColumnTable): unknown[] =>
  table
    .objects()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row as object).map(([name, value]) => [
          name,
          ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : (value as unknown),
        ]),
      ),
    );

/** Runs a verb on both tables. */
function same(verb: (table: ColumnTable) => ColumnTable, message: string): void {
  assert.deepEqual(contents(verb(ours)), contents(verb(plain)), message);
}

/** A function of this text, as a notebook would hand it over: where a string would name a column. */
const written = (text: string) => Object.assign(() => undefined, { toString: () => text }) as () => unknown;

describe("our columns in arquero's expressions", () => {
  test("compare with every literal, by every operator, on either side, however wrapped", () => {
    for (const comparison of comparisons)
      for (const wrap of wrappings) {
        const expression = `d => ${wrap(comparison)}`;
        same((table) => table.derive({ result: expression }).select("result"), expression);
      }
  });

  test("filter, group, order and sum up by a comparison", () => {
    for (const comparison of comparisons) {
      const expression = `d => ${comparison}`;
      same((table) => table.filter(expression), `filter ${expression}`);
      same((table) => table.groupby({ key: expression }).count(), `groupby ${expression}`);
      if (!expression.includes("op."))
        // which arquero 8 does not find when it sorts
        same((table) => table.orderby(desc(written(expression)), "pid"), `orderby ${expression}`);
      same(
        (table) => table.rollup({ sum: `d => op.sum(${comparison})`, any: `d => op.any(${comparison})` }),
        `rollup ${expression}`,
      );
      same((table) => table.filter(`d => op.row_number() > 1 && (${comparison})`), `window ${expression}`);
    }
  });

  test("are taken apart and switched on", () => {
    for (const name of Object.keys(columns))
      for (const literal of literals) {
        same((table) => table.filter(`({ ${name} }) => ${name} !== ${literal}`), `destructured ${name} ${literal}`);
        same(
          (table) =>
            table
              .derive({ result: `d => { switch (d.${name}) { case ${literal}: return 1; default: return 2; } }` })
              .select("result"),
          `switch ${name} ${literal}`,
        );
        same(
          (table) =>
            table.derive({ result: `d => { const x = d.${name}; return x === ${literal}; }` }).select("result"),
          `const ${name} ${literal}`,
        );
      }
  });

  test("have no value for the row that a join did not find", () => {
    const other = makeTable({ pid: [5, 9], more: ["five", "nine"] });
    for (const how of ["join", "join_left", "join_right", "join_full"] as const) {
      same((table) => table[how](other, "pid"), how);
      same((table) => other[how](table, "pid"), `${how} from the other side`);
      same(
        (table) => table[how](other, written('(a, b) => a.pid === b.pid && a.comm !== "nowhere"')),
        `${how} by an expression`,
      );
    }
    same((table) => table.cross(other), "cross");
    same((table) => other.lookup(table, "pid", "ok", "source", "pair", "comm", "wide"), "lookup");
  });

  test("go through every other verb as arrays do", () => {
    for (const name of Object.keys(columns)) {
      same((table) => table.dedupe(name), `dedupe ${name}`);
      same((table) => table.groupby(name).count(), `groupby ${name}`);
      same((table) => table.orderby(desc(name)), `orderby ${name}`);
      same((table) => table.select("pid", name).impute({ [name]: () => "missing" }), `impute ${name}`);
      same((table) => table.fold([name, "comm"]), `fold ${name}`);
      same((table) => table.groupby("ok").pivot("comm", name), `pivot ${name}`);
      same((table) => table.select(name).concat(table.select(name).slice(1, 3)), `concat ${name}`);
      same((table) => table.filter("d => d.pid > 0").reify().select(name), `reify ${name}`);
      same((table) => table.semijoin(table.slice(0, 2), name), `semijoin ${name}`);
      same((table) => table.antijoin(table.slice(0, 2), name), `antijoin ${name}`);
      same(
        (table) =>
          table.rollup({
            all: `d => op.array_agg(d.${name})`,
            valid: `d => op.valid(d.${name})`,
            distinct: `d => op.distinct(d.${name})`,
          }),
        `rollup ${name}`,
      );
    }
    same((table) => table.unroll("pair"), "unroll");
    same((table) => table.spread("pair"), "spread");
  });
});

test("what a table has no rows for is found in one that is filtered, ordered and grouped", () => {
  const comm = new DictionaryColumn(Uint32Array.of(0, 1, 2, 0, 1), ["dd", "node", "sh"]);
  const table = markCapture(makeTable({ comm, cpu: [0, 0, 0, 1, 1], n: [1, 2, 3, 4, 5] } as never), {
    source: "rb",
    rows: 5,
    lost: 0,
    dropped: 0,
  } as never);
  const filled = table
    .filter((d: { n: number }) => d.n > 1)
    .orderby("n")
    .groupby("cpu")
    .impute({ n: () => 0 }, { expand: "comm" });
  assert.deepEqual(
    (filled.ungroup().orderby("cpu", "comm").objects() as { cpu: number; comm: string; n: number }[]).map(({ cpu, comm, n }) => [cpu, comm, n]), // prettier-ignore
    [[0, "dd", 0], [0, "node", 2], [0, "sh", 3], [1, "dd", 4], [1, "node", 5], [1, "sh", 0]], // prettier-ignore
  );
  assert.equal(isDerived(filled), true);
  const sums = filled.rollup({ n: op.sum("n") }).objects() as { n: number }[];
  assert.deepEqual(sums.map(({ n }) => n), [5, 9]); // prettier-ignore
  assert.equal(table.cross(table.filter(() => false).rename({ n: "m" })).numRows(), 0, "pairs with nothing are none");
  assert.equal(table.cross(table.select("n").rename({ n: "m" })).numRows(), 25);
  const lists = markCapture(makeTable({ list: new ListColumn(Float64Array.of(1, 2, 3, 4), 2) } as never), { source: "rb", rows: 2 } as never); // prettier-ignore
  assert.equal(lists.toJSON().trim(), '[{"list":[1,2]},{"list":[3,4]}]');
});
