import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { desc, table as makeTable } from "arquero";
import { EMPTY, NEVER, Observable, Subject, throwError } from "rxjs";
import { ArgumentError } from "../../dist/base/errors.js";
import { thisMachine } from "../../dist/base/machine.js";
import { setHost, type Host, type MimeBundle } from "../../dist/base/display.js";
import type { EventBatch } from "../../dist/streams/batch.js";
import { collect, CollectError } from "../../dist/streams/collect.js";
import { captureOf, lossNote } from "../../dist/streams/capture.js";
import type { EventTable } from "../../dist/streams/table.js";

type Event = { n: number; even: string };

/** A batch of events numbered from `from`; losses are totals since attach. */
function batch(from: number, rows: number, { lost = 0, dropped = 0, before = 0 } = {}): EventBatch<Event> {
  const n = Float64Array.from({ length: rows }, (_, i) => from + i);
  const table = makeTable({
    n,
    even: [...n].map((value) => (value % 2 ? "odd" : "even")),
  }) as unknown as EventTable<Event>;
  return {
    table,
    rows,
    lost,
    dropped,
    malformed: 0,
    inexact: 0,
    drainedAt: 0,
    baseline: { lost: before, dropped: before, malformed: 0 },
  };
}

const numbers = (table: EventTable<Event>) => [...(table.column("n") ?? [])] as number[];

/** Lets promises run; the timers are the test's own. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** How a promise stands, without waiting for it. */
async function state(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let now: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => (now = "resolved"),
    () => (now = "rejected"),
  );
  await settle();
  return now;
}

/** A notebook that remembers what it was shown. */
function fakeHost(): {
  shown: string[][];
  interrupt: () => void;
  slow: (ms: number) => { drawn: number };
  remove: () => void;
} {
  const shown: string[][] = [];
  const slowness = { ms: 0, drawn: 0 };
  const interrupted = new AbortController();
  const text = (bundle: MimeBundle) => bundle["text/plain"] as string;
  const host: Host = {
    show(bundle) {
      const output = [text(bundle)];
      shown.push(output);
      return {
        update: (next) => {
          mock.timers.tick(slowness.ms); // so long does it take to draw
          slowness.drawn++;
          output.push(text(next));
        },
      };
    },
    interruptSignal: () => interrupted.signal,
  };
  const slow = (ms: number) => Object.assign(slowness, { ms });
  return { shown, interrupt: () => interrupted.abort(), slow, remove: setHost(host) };
}

describe("collect", () => {
  let stream: Subject<EventBatch<Event>>;
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
    mock.method(performance, "now", () => Date.now());
    stream = new Subject();
  });
  afterEach(() => mock.reset());

  /** What a collection gave; it has let go of its stream. */
  async function result(collected: Promise<EventTable<Event>>): Promise<number[]> {
    assert.equal(await state(collected), "resolved");
    assert.equal(stream.observed, false, "it is still subscribed");
    return numbers(await collected);
  }

  test("ends after so many seconds", async () => {
    const collected = collect(stream, { seconds: 5 });
    stream.next(batch(0, 2));
    mock.timers.tick(4999);
    assert.equal(await state(collected), "pending");
    stream.next(batch(2, 1));
    mock.timers.tick(1);
    stream.next(batch(3, 1));
    assert.deepEqual(await result(collected), [0, 1, 2]);
  });

  test("ends at exactly so many rows, whatever the batches hold", async () => {
    for (const sizes of [[4], [2, 2], [3, 3], [1, 1, 1, 5], [9]]) {
      const collected = collect(stream, { rows: 4 });
      let from = 0;
      for (const size of sizes) {
        stream.next(batch(from, size));
        from += size;
      }
      assert.deepEqual(await result(collected), [0, 1, 2, 3], `batches of ${sizes.join()}`);
      assert.equal(captureOf(await collected)!.rows, 4);
    }
  });

  test("ends when a promise settles, an Observable emits or completes, or what a function returns does", async () => {
    const emitting = new Subject<void>();
    let resolve!: () => void;
    const promise = new Promise<void>((r) => (resolve = r));
    const cases: [string, Parameters<typeof collect>[1] & object, () => void][] = [
      ["a promise", { until: promise }, resolve],
      ["an Observable that emits", { until: emitting }, () => emitting.next()],
      ["an Observable that completes", { until: () => emitting }, () => emitting.complete()],
      ["a function that returns a promise", { until: () => promise }, () => {}],
    ];
    for (const [what, options, end] of cases) {
      const collected = collect(stream, options);
      stream.next(batch(0, 3));
      end();
      assert.deepEqual(await result(collected), [0, 1, 2], what);
      assert.equal(emitting.observed, false, what);
    }
    assert.deepEqual(await result(collect(stream, { until: EMPTY })), []);
  });

  test("calls until's function once it is subscribed, so that it misses nothing of what that starts", async () => {
    const collected = collect(stream, {
      until: () => {
        stream.next(batch(7, 1));
        return Promise.resolve();
      },
    });
    assert.deepEqual(await result(collected), [7]);
  });

  test("ends with the stream, also one that ends while it is subscribed to", async () => {
    const collected = collect(stream, { seconds: 5 });
    stream.next(batch(0, 1));
    stream.complete();
    assert.deepEqual(await result(collected), [0]);
    const sync = new Observable<EventBatch<Event>>((subscriber) => {
      subscriber.next(batch(0, 2));
      subscriber.complete();
    });
    let called = false;
    assert.deepEqual(await result(collect(sync, { until: () => ((called = true), NEVER) })), [0, 1]);
    assert.equal(called, false, "there was nothing left to start");
  });

  test("ends at an interrupt, with what came until then", async () => {
    const host = fakeHost();
    try {
      let torn = 0;
      const until = new Observable<void>(() => () => torn++);
      const collected = collect(stream, { seconds: 60, until });
      stream.next(batch(0, 2));
      host.interrupt();
      assert.deepEqual(await result(collected), [0, 1]);
      assert.equal(torn, 1);
      assert.match(host.shown[0]!.at(-1)!, /^2 events, 0\.0 s of 60 s, 0 lost, interrupted\.$/);
      assert.deepEqual(await result(collect(stream)), [], "in a cell that was interrupted already");
    } finally {
      host.remove();
    }
  });

  test("gives an empty table with its capture when nothing came", async () => {
    const nothing = collect(stream, { seconds: 1 });
    mock.timers.tick(1000);
    assert.equal((await nothing).numRows(), 0);
    const empty = collect(stream, { seconds: 1 });
    stream.next(batch(0, 0, { lost: 3 }));
    mock.timers.tick(1000);
    const table = await empty;
    assert.equal(table.numRows(), 0);
    assert.equal(captureOf(table)!.lost, 3, "all were lost");
  });

  test("rejects when the stream or until fails, and keeps what came in the error", async () => {
    const failing = (options: object, fail: () => void) => {
      const collected = collect(stream, options);
      stream.next(batch(0, 2, { lost: 1 }));
      fail();
      return collected.then(
        () => assert.fail("it resolved"),
        (error: unknown) => error as CollectError,
      );
    };
    const cases = [
      await failing({ until: () => throwError(() => new Error("torn")) }, () => {}),
      await failing(
        {
          until: () => {
            throw new Error("torn");
          },
        },
        () => {},
      ),
      await failing({ until: Promise.reject(new Error("torn")) }, () => {}),
      await failing({ seconds: 5 }, () => stream.error(new Error("torn"))),
    ];
    for (const [i, error] of cases.entries()) {
      assert.ok(error instanceof CollectError);
      const came = i < 2 ? [] : [0, 1]; // the first two failed before anything could come
      assert.deepEqual(numbers(error.collected), came);
      assert.equal(error.code, "COLLECT");
      assert.match(
        error.message,
        new RegExp(
          `^The stream failed after ${came.length} events: torn\\nThe events up to then are in the error's field collected\\.$`,
        ),
      );
      assert.equal((error.cause as Error).message, "torn");
    }
    assert.equal(captureOf(cases[3]!.collected)!.lost, 1);
    assert.equal(stream.observed, false);
  });

  test("refuses seconds and rows that make no sense", () => {
    for (const seconds of [0, -1, NaN, Infinity, 2_147_484, "5" as never])
      assert.throws(
        () => collect(stream, { seconds }),
        (e: Error) =>
          e instanceof ArgumentError && /^seconds: expected a number above 0 and up to 2147483, got /.test(e.message),
      );
    for (const rows of [0, -1, 1.5, NaN, "5" as never])
      assert.throws(
        () => collect(stream, { rows }),
        (e: Error) => e instanceof ArgumentError && /^rows: expected an integer of at least 1, got /.test(e.message),
      );
    assert.equal(stream.observed, false);
  });

  test("shows its progress in one line, whose end says events, seconds and lost", async () => {
    const host = fakeHost();
    try {
      const collected = collect(stream, { seconds: 2, rows: 5000 });
      await settle();
      stream.next(batch(0, 1500, { lost: 7, dropped: 5, before: 5 }));
      mock.timers.tick(250);
      await settle();
      mock.timers.tick(1750);
      await collected;
      const [lines, ...more] = host.shown;
      assert.deepEqual(more, [], "one output");
      assert.deepEqual(
        [lines![0], lines![1]],
        ["0 of 5,000 events, 0.0 s of 2 s, 0 lost", "1,500 of 5,000 events, 0.3 s of 2 s, 2 lost"],
      );
      assert.equal(
        lines!.at(-1),
        "1,500 of 5,000 events, 2.0 s of 2 s, 2 lost. Incomplete: of 1,502 events 2 lost in the kernel (ring full), 0.13 %.",
      );
      const updates = lines!.length;
      mock.timers.tick(1000);
      await settle();
      assert.equal(lines!.length, updates, "it goes on after its end");
    } finally {
      host.remove();
    }
  });

  test("gives its events also when the front end does not take the progress line", async () => {
    const remove = setHost({
      show: () => {
        throw new Error("the front end is gone");
      },
      interruptSignal: () => undefined,
    });
    try {
      const collected = collect(stream, { seconds: 1 });
      stream.next(batch(0, 2));
      await settle();
      mock.timers.tick(1000);
      assert.deepEqual(await result(collected), [0, 1]);
    } finally {
      remove();
    }
  });

  test("has ended before its last line is drawn, however long that takes", async () => {
    const host = fakeHost();
    const show = host.slow(700);
    try {
      const collected = collect(stream, { seconds: 2 });
      mock.timers.tick(1000);
      stream.next(batch(0, 10));
      mock.timers.tick(1000);
      const { startedAt, endedAt } = captureOf(await collected)!;
      assert.equal(endedAt - startedAt, 2000);
      assert.ok(show.drawn > 0, "nothing was drawn, so this shows nothing");
    } finally {
      host.remove();
    }
  });

  test("adds up what several streams lost that were merged", async () => {
    const collected = collect(stream, { seconds: 1 });
    stream.next({ ...batch(0, 1, { lost: 5, before: 2 }), source: "a.rb" });
    stream.next({ ...batch(1, 1, { lost: 9, dropped: 1 }), source: "b.rb" });
    stream.next({ ...batch(2, 1, { lost: 6, dropped: 2, before: 2 }), source: "a.rb" });
    mock.timers.tick(1000);
    const { source, rows, lost, dropped } = captureOf(await collected)!;
    assert.deepEqual({ source, rows, lost, dropped }, { source: "a.rb and b.rb", rows: 3, lost: 13, dropped: 1 });
  });

  test("shows nothing in a plain script", async () => {
    const log = mock.method(console, "log", () => {});
    const collected = collect(stream, { rows: 1 });
    stream.next(batch(0, 1));
    await collected;
    assert.equal(log.mock.callCount(), 0);
    log.mock.restore();
  });
});

describe("what a collected table knows of its losses", () => {
  /** 100 events of which the first 60 % were collected, with losses before and during the collection. */
  async function lossy(): Promise<EventTable<Event>> {
    const stream = new Subject<EventBatch<Event>>();
    const collected = collect(stream, { rows: 60 });
    stream.next(batch(0, 40, { lost: 10, dropped: 10, before: 10 }));
    stream.next(batch(40, 40, { lost: 35, dropped: 25, before: 10 }));
    return collected;
  }

  test("is counted from where the subscription began", async () => {
    const capture = captureOf(await lossy())!;
    const { source, rows, lost, dropped, host, kernel } = capture;
    assert.deepEqual(
      { source, rows, lost, dropped, host, kernel },
      { source: "events", rows: 60, lost: 25, dropped: 15, ...thisMachine() },
    );
    assert.ok(capture.startedAt <= capture.endedAt && Date.now() - capture.endedAt < 60_000);
    assert.equal(
      lossNote(capture),
      "Incomplete: of 100 events 25 lost in the kernel (ring full) and 15 dropped at the memory bound, 40 %.",
    );
  });

  test("goes along with filtered, derived, sorted and selected tables", async () => {
    const table = await lossy();
    const made = {
      filtered: table.filter((d: Event) => d.n > 50),
      derived: table.derive({ double: (d: Event) => d.n * 2 }),
      sorted: table.orderby(desc("n")),
      selected: table.select("even"),
      renamed: table.rename({ n: "number" }),
    };
    for (const [verb, result] of Object.entries(made)) assert.equal(captureOf(result)?.lost, 25, verb);
  });

  test("is not claimed by tables of other columns, nor of complete ones", async () => {
    const table = await lossy();
    assert.equal(captureOf(makeTable({ n: [1, 2] })), undefined);
    assert.equal(lossNote(undefined), undefined);
    assert.equal(lossNote({ ...captureOf(table)!, lost: 0, dropped: 0 }), undefined);
  });
});
