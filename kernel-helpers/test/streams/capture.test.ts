import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { all, type ColumnTable, desc, op, table as makeTable } from "arquero";
import { bar, histogram } from "../../dist/api/charts.js";
import { concatTables } from "../../dist/streams/concat-tables.js";
import { BooleanColumn, DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { type Capture, captureOf, joinCaptures, lossNote, markCapture } from "../../dist/streams/capture.js";

const account: Capture = {
  source: "ringbuf.rb",
  rows: 4,
  lost: 3,
  dropped: 2,
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_005_000,
  host: "elsewhere",
  kernel: "Linux 5.11.0-other",
  bootId: "4c1f8a4e-0000-0000-0000-000000000000",
  clockOffset_ms: 1_699_999_000_000,
};
const other: Capture = { ...account, source: "net.events", lost: 10, dropped: 0, kernel: "Linux 6.1.0-third" };

const table = (capture?: Capture): ColumnTable => {
  const made = makeTable({
    pid: Uint32Array.of(1, 2, 3, 4),
    duration_ns: Float64Array.of(100, 2500, 100, 7),
    comm: new DictionaryColumn(Uint32Array.of(1, 0, 1, 0), ["dd", "cat"]) as never,
    ok: new BooleanColumn(Uint8Array.of(1, 0, 1, 0)) as never,
    pair: new ListColumn(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2) as never,
    many: [[1, 2], [3], [], [4]],
  });
  return capture ? markCapture(made, capture) : made;
};

const verbs: Record<string, (t: ColumnTable) => ColumnTable> = {
  assign: (t) => t.assign({ extra: [1, 2, 3, 4] } as never),
  count: (t) => t.count(),
  derive: (t) => t.derive({ more: (d: { pid: number }) => d.pid + 1 }),
  filter: (t) => t.filter((d: { pid: number }) => d.pid > 1),
  slice: (t) => t.slice(1, 3),
  "slice of groups": (t) => t.groupby("comm").slice(0, 1),
  groupby: (t) => t.groupby("comm"),
  orderby: (t) => t.orderby(desc("pid")),
  unorder: (t) => t.orderby("pid").unorder(),
  ungroup: (t) => t.groupby("pid").ungroup(),
  relocate: (t) => t.relocate("pid", { after: "comm" }),
  rename: (t) => t.rename({ pid: "process" }),
  rollup: (t) => t.groupby("comm").rollup({ max: op.max("duration_ns") }),
  sample: (t) => t.sample(2),
  "sample with replacement": (t) => t.sample(9, { replace: true }),
  select: (t) => t.select("comm"),
  reify: (t) => t.filter((d: { pid: number }) => d.pid > 2).reify(),
  fold: (t) => t.fold(["pid", "duration_ns"]),
  pivot: (t) => t.pivot("comm", "duration_ns"),
  spread: (t) => t.spread("pair"),
  unroll: (t) => t.unroll("many"),
  impute: (t) => t.impute({ duration_ns: () => 0 }),
  "impute, expanded": (t) => t.impute({ duration_ns: () => 0 }, { expand: ["comm", "pid"] }),
  dedupe: (t) => t.dedupe("comm"),
  "concat of nothing": (t) => t.concat(),
  join: (t) => t.join(table(), "pid"),
  join_left: (t) => t.join_left(table(), "pid"),
  join_right: (t) => t.join_right(table(), "pid"),
  join_full: (t) => t.join_full(table(), "pid"),
  cross: (t) => t.cross(table()),
  semijoin: (t) => t.semijoin(table(), "pid"),
  antijoin: (t) => t.antijoin(table(), "pid"),
  lookup: (t) => t.lookup(table(), "pid", all()),
  concat: (t) => t.concat(table()),
  union: (t) => t.union(table()),
  except: (t) => t.except(table()),
  intersect: (t) => t.intersect(table()),
  "concat with a part of itself": (t) => t.concat(t.filter((d: { pid: number }) => d.pid > 2)),
  concatTables: (t) => concatTables([t.filter((d: { pid: number }) => d.pid > 2), t.slice(0, 2)]),
};

describe("the capture of a table", () => {
  for (const [name, verb] of Object.entries(verbs))
    test(`follows ${name}`, () => {
      const result = verb(table(account));
      assert.deepEqual(captureOf(result), account);
      assert.deepEqual(captureOf(result.filter(() => false)), account, "and what is made of the result");
    });

  const twofold: Record<string, (a: ColumnTable, b: ColumnTable) => ColumnTable> = {
    join: (a, b) => a.join(b, "pid"),
    join_left: (a, b) => a.join_left(b, "pid"),
    join_right: (a, b) => a.join_right(b, "pid"),
    join_full: (a, b) => a.join_full(b, "pid"),
    cross: (a, b) => a.cross(b),
    semijoin: (a, b) => a.semijoin(b, "pid"),
    antijoin: (a, b) => a.antijoin(b, "pid"),
    lookup: (a, b) => a.lookup(b, "pid", all()),
    assign: (a, b) => a.assign(b),
    concat: (a, b) => a.concat(b),
    "concat with what has no rows": (a, b) => a.concat(b.filter(() => false)),
    "concat of an array": (a, b) => a.concat([b] as never),
    union: (a, b) => a.union(b),
    except: (a, b) => a.except(b),
    intersect: (a, b) => a.intersect(b),
    concatTables: (a, b) => concatTables([a, b]),
  };
  for (const [name, verb] of Object.entries(twofold))
    test(`is that of both tables after ${name}`, () => {
      const [a, b] = [table(account), table(other)];
      const capture = captureOf(verb(a, b))!;
      assert.deepEqual(capture.parts, [account, other]);
      const { source, rows, lost, dropped, kernel } = capture;
      assert.deepEqual(
        { source, rows, lost, dropped, kernel },
        {
          source: "ringbuf.rb and net.events",
          rows: 8,
          lost: 13,
          dropped: 2,
          kernel: "Linux 5.11.0-other and Linux 6.1.0-third",
        },
      );
      assert.deepEqual([captureOf(a), captureOf(b)], [account, other], "the tables themselves keep theirs");
    });

  test("counts once, however often it comes in", () => {
    assert.deepEqual(joinCaptures("both", [account, undefined, { ...account }]), account);
    const both = joinCaptures("both", [account, other])!;
    assert.deepEqual(joinCaptures("more", [both, account])?.parts, [account, other]);
  });

  test("is on a chart, with the machine that it comes from, whatever was done to the table", () => {
    for (const [name, verb] of Object.entries(verbs)) {
      const result = verb(table(account));
      if (result.columnIndex("duration_ns") < 0) continue;
      const { text } = histogram(result, { x: "duration_ns" });
      assert.match(text, /^[^|]*\| 2023-11-14T22:13Z · Linux 5\.11\.0-other · /, name);
      assert.match(text, /5 lost/, name);
      assert.ok(text.includes(lossNote(account)!), name);
    }
    const counted = bar(table(account).groupby("comm").count(), { x: "comm", y: "count" });
    assert.match(counted.text, /Linux 5\.11\.0-other · 2 rows from 4 events, 5 lost/);
    assert.match(histogram(verbs["rollup"]!(table(account)), { x: "max" }).text, / · 2 rows from 4 events, 5 lost/);
  });

  test("is unknown of a table that was made by hand, and its chart says so", () => {
    assert.equal(captureOf(table()), undefined);
    assert.match(histogram(table(), { x: "duration_ns" }).text, /drawn [^·]* · origin unknown · 4 events/);
  });
});

test("the groups of reified rows have their own keys", () => {
  for (const made of [table(account), table(account).filter((d: { pid: number }) => d.pid > 1)]) {
    const groups = made.groupby("comm").slice(0, 1).count().objects() as { comm: string; count: number }[];
    assert.deepEqual(
      groups.sort((a, b) => (a.comm < b.comm ? -1 : 1)),
      [
        { comm: "cat", count: 1 },
        { comm: "dd", count: 1 },
      ],
    );
    const late = made
      .groupby("comm")
      .orderby(desc("pid"))
      .reify()
      .rollup({ last: op.max("pid") });
    assert.deepEqual(
      new Map(late.objects().map((row) => Object.values(row as object) as [string, number])),
      new Map([
        ["dd", 4],
        ["cat", 3],
      ]),
    );
  }
});
