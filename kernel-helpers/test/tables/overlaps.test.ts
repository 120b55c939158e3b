import assert from "node:assert/strict";
import { test } from "node:test";
import { type ColumnTable, table as makeTable } from "arquero";
import { captureOf } from "../../dist/streams/capture.js";
import { withOverlaps } from "../../dist/tables/overlaps.js";
import { formatTime } from "../../dist/tables/units.js";
import { captured, random, Words } from "./events.js";

type Span = { start_ns: number; duration_ns: number; tid: number; comm: string };

const table = (spans: Span[]): ColumnTable =>
  makeTable({
    start_ns: Float64Array.from(spans, (span) => span.start_ns),
    duration_ns: Float64Array.from(spans, (span) => span.duration_ns),
    tid: Uint32Array.from(spans, (span) => span.tid),
    comm: spans.map((span) => span.comm),
  });

/** The definition, word by word: each event with each span. */
function naive(events: Span[], spans: Span[], top: number): { then: string; own_ns: number }[] {
  return events.map((event) => {
    const times = new Map<string, number>();
    let own_ns = 0;
    for (const span of spans) {
      const ns =
        Math.min(event.start_ns + event.duration_ns, span.start_ns + span.duration_ns) -
        Math.max(event.start_ns, span.start_ns);
      if (ns <= 0) continue;
      if (span.tid === event.tid) own_ns += ns;
      else times.set(span.comm, (times.get(span.comm) ?? 0) + ns);
    }
    const sorted = [...times].sort((a, b) => b[1] - a[1]);
    const named = sorted.slice(0, top).map(([comm, ns]) => `${comm} ${formatTime(ns)}`);
    return { then: [...named, ...(sorted.length > top ? [`${sorted.length - top} more`] : [])].join(", "), own_ns };
  });
}

test("says who else was at it, for how long, and how long the event's own thread was", () => {
  const event = { start_ns: 1000, duration_ns: 100, tid: 1, comm: "slow" };
  const spans = [
    { start_ns: 900, duration_ns: 50, tid: 2, comm: "before" },
    { start_ns: 950, duration_ns: 50, tid: 2, comm: "up to its beginning" },
    { start_ns: 990, duration_ns: 15, tid: 2, comm: "dd" },
    { start_ns: 1010, duration_ns: 2, tid: 3, comm: "dd" },
    { start_ns: 1020, duration_ns: 7, tid: 1, comm: "slow" },
    { start_ns: 500, duration_ns: 5000, tid: 4, comm: "all the time" },
    { start_ns: 1090, duration_ns: 50, tid: 5, comm: "kworker/0:1H" },
    { start_ns: 1095, duration_ns: 1, tid: 6, comm: "cat" },
    { start_ns: 1100, duration_ns: 9, tid: 2, comm: "from its end" },
  ];
  assert.deepEqual(withOverlaps(table([event]), table(spans), { as: "then", own: "on_cpu_ns" }).objects(), [
    { ...event, on_cpu_ns: 7, then: "all the time 100 ns, kworker/0:1H 10 ns, dd 7 ns, 1 more" },
  ]);
});

test("agrees with the definition, for events that nest, touch and repeat", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const next = random(seed);
    const some = (count: number): Span[] =>
      Array.from({ length: count }, () => ({
        start_ns: Math.floor(next() * 200),
        duration_ns: Math.floor(next() ** 3 * 100),
        tid: Math.floor(next() * 4),
        comm: `c${Math.floor(next() * 5)}`,
      }));
    const [events, spans] = [some(seed % 12), some(60)];
    const found = withOverlaps(table(events), table(spans), { as: "then", own: "own_ns", top: 5 }).objects() as {
      then: string;
      own_ns: number;
    }[];
    const times = (text: string) => text.split(", ").sort().join(); // of equal times any may come first
    assert.deepEqual(
      found.map(({ then, own_ns }) => [times(then), own_ns]),
      naive(events, spans, 5).map(({ then, own_ns }) => [times(then), own_ns]),
      `seed ${seed}`,
    );
  }
});

test("a filter on either side counts, other columns can name the spans, and what was lost from either is known", () => {
  const spans = table([
    { start_ns: 0, duration_ns: 9, tid: 7, comm: "a" },
    { start_ns: 0, duration_ns: 5, tid: 8, comm: "a" },
  ]);
  const events = captured(
    table([
      { start_ns: 1, duration_ns: 3, tid: 1, comm: "x" },
      { start_ns: 6, duration_ns: 3, tid: 1, comm: "x" },
    ]),
    2,
  );
  const later = withOverlaps(
    events.filter((event: { start_ns: number }) => event.start_ns > 5),
    spans,
    { as: "then", by: ["comm", "tid"] },
  );
  assert.deepEqual(later.array("then"), ["a 7 3 ns"]);
  assert.equal(captureOf(later)?.lost, 2);
  assert.equal(captureOf(withOverlaps(events, captured(spans, 5), { as: "then" }))?.lost, 7);
  assert.equal(captureOf(withOverlaps(events, events, { as: "then" }))?.lost, 2, "one capture is not counted twice");
  assert.deepEqual(
    withOverlaps(
      events,
      spans.filter((span: { tid: number }) => span.tid === 8),
      { as: "then" },
    ).array("then"),
    ["a 3 ns", ""],
  );
});

test("twenty events among a million spans, without reading a name a span", () => {
  const next = random(3);
  const rows = 1_000_000;
  const names = new Words(
    ["a", "b"],
    Uint32Array.from({ length: rows }, (_, i) => i % 2),
  );
  const spans = makeTable({
    start_ns: Float64Array.from({ length: rows }, (_, i) => 1000 * i),
    duration_ns: new Float64Array(rows).fill(400),
    tid: new Uint32Array(rows).fill(9),
    comm: names as never,
  });
  const events = table(
    Array.from({ length: 20 }, () => ({
      start_ns: 1000 * Math.floor(next() * (rows - 10)),
      duration_ns: 10_000,
      tid: 1,
      comm: "x",
    })),
  );
  for (const then of withOverlaps(events, spans, { as: "then" }).array("then"))
    assert.match(then as string, /^[ab] 2 µs, [ab] 2 µs$/);
  assert.ok(names.reads < 100);
});

test("names what is missing", () => {
  const spans = table([]);
  assert.throws(
    () => withOverlaps(makeTable({ start_ns: [1], duration_ns: [1] }), spans, { as: "then" }),
    /no column "tid" for the events of withOverlaps/,
  );
  assert.throws(
    () => withOverlaps(spans, makeTable({ start_ns: [1], tid: [1], comm: ["a"] }), { as: "then" }),
    /no column "duration_ns" for the spans of withOverlaps/,
  );
});
