import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ColumnTable, desc, table as makeTable } from "arquero";
import "../../dist/api/index.js"; // says how tables are shown
import { bundleOf } from "../../dist/base/display.js";
import { BooleanColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { tableBundle } from "../../dist/tables/table-bundle.js";
import { showTable } from "../../dist/tables/show.js";
import { captured, Words, writes } from "./events.js";

/** What is shown on hover over the cells of the first column that have more digits than they show. */
const titlesOf = (table: ColumnTable) =>
  [...htmlOf(table).matchAll(/<td[^>]* title="([^"]*)"/g)].map(([, title]) => title!);

/** Rows of the HTML as arrays of text, header first; entities as written. */
function cellsOf(table: ColumnTable): string[][] {
  const html = tableBundle(table)["text/html"] as string;
  return [...html.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell!),
  );
}

const htmlOf = (table: ColumnTable) => tableBundle(table)["text/html"] as string;
const textOf = (table: ColumnTable) => tableBundle(table)["text/plain"] as string;

describe("a table in a notebook", () => {
  it("shows itself as HTML and as text", async () => {
    const table = writes(3);
    assert.deepEqual(Object.keys(await bundleOf(table)).sort(), ["text/html", "text/plain"]);
  });

  it("shows the head only, with the shape", () => {
    const table = writes(1_000_000);
    assert.equal(cellsOf(table).length, 101);
    assert.ok(htmlOf(table).length < 60_000);
    assert.match(
      htmlOf(table),
      /1,000,000 rows × 6 columns, first 100 shown; showTable\(table, \{ limit: … \}\) shows more/,
    );
    assert.ok(textOf(table).split("\n").length <= 23);
    assert.ok((table.column("comm") as unknown as Words).reads < 1000);
  });

  it("says when it is filtered or grouped", () => {
    const table = writes(30)
      .filter((d: { fd: number }) => d.fd === 0)
      .groupby("comm");
    assert.match(htmlOf(table), /10 rows × 6 columns, filtered from 30, grouped by comm</);
    assert.match(htmlOf(writes(30).filter(() => true)), />30 rows × 6 columns</, "a filter that all rows pass is none");
  });

  it("shows one row, no rows, no columns, and more columns than anyone reads", () => {
    assert.match(htmlOf(makeTable({ a: [1] })), />1 row × 1 column</);
    assert.match(htmlOf(writes(0)), />0 rows × 6 columns</);
    assert.match(htmlOf(makeTable({})), />0 rows × 0 columns</);
    assert.match(textOf(makeTable({})), /0 rows × 0 columns/);
    assert.match(
      htmlOf(makeTable(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`c${i}`, [i]])))),
      /1 row × 200 columns, first 60 columns shown/,
    );
  });

  it("keeps the table's order", () => {
    const table = makeTable({ n: [1, 3, 2] }).orderby(desc("n"));
    assert.deepEqual(cellsOf(table).slice(1), [["3"], ["2"], ["1"]]);
  });

  it("writes a column of times in one unit, and points in time in seconds", () => {
    const table = makeTable({
      start_ns: [1_234_567_891, 2_000_000_000],
      duration_ns: [950, 12_345],
      slow_ns: [3e9, 4.5e9],
      zero_ns: [0, 0],
    });
    assert.deepEqual(cellsOf(table), [
      [
        "start<br><small>s since boot</small>",
        "duration<br><small>µs</small>",
        "slow<br><small>s</small>",
        "zero<br><small>ns</small>",
      ],
      ["1.234568", "0.950", "3.00", "0"],
      ["2.000000", "12.3", "4.50", "0"],
    ]);
    assert.deepEqual(titlesOf(table.select("start_ns", "duration_ns")), [
      "1,234,567,891 ns",
      "950 ns",
      "2,000,000,000 ns",
      "12,345 ns",
    ]);
  });

  it("gives each cell its unit where one would hide what is small", () => {
    const table = makeTable({
      duration_ns: [7, 999.6, 123_456, 4_567_891_234, 0],
      size_bytes: [1, 1023, 65536, 1.5 * 2 ** 30, 0],
    });
    assert.deepEqual(cellsOf(table), [
      ["duration<br><small></small>", "size<br><small></small>"],
      ["7 ns", "1 B"],
      ["1.00 µs", "1,023 B"],
      ["123 µs", "64 KiB"],
      ["4.57 s", "1.5 GiB"],
      ["0", "0"],
    ]);
    assert.deepEqual(titlesOf(table.slice(2, 4)), ["123,456 ns", "65,536 B", "4,567,891,234 ns", "1,610,612,736 B"]);
  });

  it("writes whole numbers whole, and of others three digits and all before the point", () => {
    const table = makeTable({ ratio: [0.123456, 12345.678, 2], share: [0.5, 0.123456, 0.00012345] });
    assert.deepEqual(cellsOf(table), [
      ["ratio<br><small></small>", "share<br><small>%</small>"],
      ["0.123", "50"],
      ["12,346", "12.3"],
      ["2", "0.0123"],
    ]);
    assert.equal(titlesOf(table)[0], "0.123456");
    assert.ok(titlesOf(table).includes("12,345.678"));
  });

  it("heads percentiles as such, and leaves out those that the number of events cannot support", () => {
    const summary = makeTable({
      count: [64, 1000, 100],
      p50_ns: [3, 3, 3],
      p99_ns: [5, 5, 5],
      p999_ns: [9, 9, 9],
    });
    assert.deepEqual(cellsOf(summary), [
      ["count<br><small></small>", ...["p50", "p99", "p99.9"].map((name) => `${name}<br><small>ns</small>`)],
      ["64", "3", "–", "–"],
      ["1,000", "3", "5", "9"],
      ["100", "3", "5", "–"],
    ]);
    assert.equal(titlesOf(summary)[1], "too few events for p99: 64");
  });

  it("leaves out unsupported percentiles wherever they stand: row by row, in comparisons, in estimates", () => {
    const rows = (table: ColumnTable) => cellsOf(table).slice(1);
    const interval = { time_ns: [0, 0, 0], percentile: ["p50", "p99", "max"], duration_ns: [1, 9, 9] };
    assert.deepEqual(
      rows(makeTable({ ...interval, count: [1, 1, 1] })).map((row) => row[2]),
      ["–", "–", "9"],
    );
    assert.deepEqual(
      rows(makeTable({ ...interval, count: [200, 200, 200] })).map((row) => row[2]),
      ["1", "9", "9"],
    );
    const compared = { count_before: [5, 100], count_after: [100, 100], p99_before_ns: [7, 7], p99_after_ns: [8, 8], p99_ratio: [2, 2] }; // prettier-ignore
    assert.deepEqual(rows(makeTable(compared)), [
      ["5", "100", "–", "8", "–"],
      ["100", "100", "7", "8", "2"],
    ]);
    const estimated = { histogram: [[1, 2], [50, 50]], p99_est_ns: [3, 3], p50_to_ns: [2, 2] }; // prettier-ignore
    assert.deepEqual(rows(makeTable(estimated)).map((row) => row.slice(1)), [["–", "2"], ["3", "2"]]); // prettier-ignore
  });

  it("writes amounts with separators and identifiers without", () => {
    const table = makeTable({
      pid: Uint32Array.of(12345),
      count: Float64Array.of(1234567),
      read_bytes: [65536],
      total: BigUint64Array.of(2n ** 63n),
      "task.tgid": [54321],
      saddr: [3325256705],
      cgroup_id: BigUint64Array.of(2n ** 63n),
      srcPort: [54321],
    });
    assert.deepEqual(cellsOf(table)[1], [
      "12345",
      "1,234,567",
      "64",
      "9,223,372,036,854,775,808",
      "54321",
      "3325256705",
      "9223372036854775808",
      "54321",
    ]);
    assert.equal(cellsOf(table)[0]![2], "read<br><small>KiB</small>");
  });

  it("shows nothing for null and what it is for other values", () => {
    const when = new Date(Date.UTC(2026, 0, 2));
    const table = makeTable({
      a: [null, NaN],
      b: [true, undefined],
      c: [when, new Date(NaN)],
      d: [[1, 2], { x: 1 }],
      e: ["x".repeat(1000), ""],
    });
    const [, first, second] = cellsOf(table);
    assert.deepEqual(first!.slice(0, 4), ["", "true", "2026-01-02T00:00:00.000Z", "[ 1, 2 ]"]);
    assert.deepEqual(second, ["NaN", "", "invalid date", "{ x: 1 }", ""]);
    assert.ok(first![4]!.length < 200 && first![4]!.endsWith("…"));
  });

  it("shows booleans and arrays as streams make them", () => {
    const table = makeTable({
      ok: new BooleanColumn(Uint8Array.of(1, 0)),
      stack: new ListColumn(Uint16Array.of(1, 2, 3, 4), 2),
    });
    assert.deepEqual(cellsOf(table).slice(1), [
      ["true", "[ 1, 2 ]"],
      ["false", "[ 3, 4 ]"],
    ]);
  });

  it("takes every text for data: markup, controls and marks that turn text around", () => {
    const evil = [
      "<img src=x onerror=alert(1)>",
      "\"'&</td><script>",
      "a\u001b[2Jb",
      "x\u202Etxt.exe",
      "line\nline",
      "\ud800",
      "zero\u200bwidth",
    ];
    const table = makeTable({
      comm: new Words(
        evil,
        evil.map((_, code) => code),
      ),
      "<b>name</b>": evil,
    });
    assert.deepEqual(
      cellsOf(table)
        .slice(1)
        .map((row) => row[0]),
      [
        "&lt;img src=x onerror=alert(1)&gt;",
        "&quot;&#39;&amp;&lt;/td&gt;&lt;script&gt;",
        "a\\x1b[2Jb",
        "x\\u202etxt.exe",
        "line\\x0aline",
        "\\ud800",
        "zero\\u200bwidth",
      ],
    );
    const [own, ...rest] = htmlOf(table).split(/<script class="bpflab-sorting">[^]*?<\/script>/);
    assert.ok(!/<(img|script|b)\b/.test(own!) && rest.join("").trim() === "", "no script but the one that sorts");
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u202e\u200b]/.test(textOf(table)));
    assert.equal(textOf(table).split("\n").length, 1 + evil.length + 1);
  });

  it("says above the rows what was lost, also after a filter", () => {
    const table = captured(writes(90), 10).filter((d: { fd: number }) => d.fd === 0);
    const note = "Incomplete: of 100 events 10 lost in the kernel (ring full), 10 %.";
    assert.ok(htmlOf(table).indexOf(note) > 0 && htmlOf(table).indexOf(note) < htmlOf(table).indexOf("<table>"));
    assert.ok(textOf(table).startsWith(note));
    assert.ok(!htmlOf(captured(writes(90))).includes("Incomplete"));
  });

  it("aligns numbers to the right and text to the left, in text too", () => {
    assert.equal(
      textOf(makeTable({ comm: ["dd", "postgres"], count: [5, 1234] })),
      "comm      count\ndd            5\npostgres  1,234\n2 rows × 2 columns",
    );
    assert.match(htmlOf(writes(1)), /<td style="text-align:left">/);
    assert.match(htmlOf(writes(1)), /<td style="text-align:right">/);
  });

  it("says how a wide table is to be printed: smaller, on its side, or as a list", () => {
    const columns = (count: number, rows = 5) =>
      makeTable(
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`column_${i}`, Array(rows).fill("some text")])),
      );
    const classOf = (table: ColumnTable) => /^<div class="bpflab-table([^"]*)"/.exec(htmlOf(table))![1];
    assert.deepEqual(
      [1, 5, 11, 20, 40].map((count) => classOf(columns(count))),
      ["", "", " wide", " wide turned", " very-wide"],
    );
    assert.equal(classOf(columns(20, 2)), " very-wide", "two rows are not worth a page on its side");
    assert.match(htmlOf(columns(40)), /data-name="column_39">some text</);
    const texts = makeTable({ comm: ["DevToolsPipeHan"], path: [`/tmp/${"x".repeat(40)}`], pid: [1] });
    assert.deepEqual([...htmlOf(texts).matchAll(/ class="long">([^<]{4})/g)].map(([, text]) => text), ["/tmp"], "a process's name stays on one line"); // prettier-ignore
  });
});

describe("showTable", () => {
  it("shows as many rows as are asked for", async () => {
    const { "text/html": html, "text/plain": text } = (await bundleOf(
      showTable(writes(500), { limit: 300 }),
    )) as Record<string, string>;
    assert.equal(html!.match(/<tr>/g)!.length, 301);
    assert.match(html!, /500 rows × 6 columns, first 300 shown/);
    assert.equal(text!.split("\n").length, 302);
    assert.equal(((await bundleOf(showTable(writes(500))))["text/html"] as string).match(/<tr>/g)!.length, 501);
  });

  it("refuses what is no number of rows", () => {
    for (const limit of [0, -1, 1.5, NaN, 10_001])
      assert.throws(() => showTable(writes(5), { limit }), /limit: expected an integer from 1 to 10000, got/);
  });
});
