import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ColumnTable } from "arquero";
import { Subject } from "rxjs";
import * as charts from "../../dist/api/charts.js";
import { ArgumentError } from "../../dist/base/errors.js";
import { type MimeBundle, setHost } from "../../dist/base/display.js";
import { captureOf } from "../../dist/streams/capture.js";
import type { EventBatch } from "../../dist/streams/batch.js";
import { captured, writes } from "../tables/events.js";

const vegaLite = "application/vnd.vegalite.v5+json";
/** The account of the capture, which every frame carries. */
const account = "application/vnd.bpflab.capture+json";
const svg = "image/svg+xml";

/** A notebook's front end that remembers each output with all it has shown. */
class Notebook {
  readonly outputs: MimeBundle[][] = [];
  readonly interrupt = new AbortController();

  show(bundle: MimeBundle) {
    const history = [bundle];
    this.outputs.push(history);
    return { update: (next: MimeBundle) => void history.push(next) };
  }

  interruptSignal(): AbortSignal {
    return this.interrupt.signal;
  }
}

function batch(rows: number, { lost = 0, before = 0, drainedAt = 0 } = {}): EventBatch {
  return {
    table: writes(rows) as EventBatch["table"],
    rows,
    lost: before + lost,
    dropped: 0,
    malformed: 0,
    inexact: 0,
    drainedAt,
    baseline: { lost: before, dropped: 0, malformed: 0 },
  };
}

/** Lets all that is under way settle, and then so many milliseconds pass. */
async function pass(ms = 0): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
  if (ms) mock.timers.tick(ms);
  for (let i = 0; i < 20; i++) await turn();
}

describe("charts.live", () => {
  let notebook: Notebook;
  let restore: () => void;
  let events: Subject<EventBatch>;
  let drawn: ColumnTable[];
  const draw = (table: ColumnTable) => {
    drawn.push(table);
    return charts.histogram(table, { x: "duration_ns", by: "comm" });
  };

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    notebook = new Notebook();
    restore = setHost(notebook);
    events = new Subject();
    drawn = [];
  });

  afterEach(() => {
    restore();
    mock.timers.reset();
  });

  it("updates one output in place, no more often than asked, and without pictures", async () => {
    const view = charts.live(events, draw, { fps: 4 });
    await pass();
    assert.deepEqual(notebook.outputs[0], [{ "text/plain": "waiting for events" }]);
    for (let i = 0; i < 100; i++) {
      events.next(batch(10));
      await pass(10);
    }
    assert.equal(notebook.outputs.length, 1);
    assert.ok(drawn.length >= 3 && drawn.length <= 5, `${drawn.length} frames in a second`);
    for (const frame of notebook.outputs[0].slice(1))
      assert.deepEqual(Object.keys(frame).sort(), [account, vegaLite, "text/plain"]);
    await view.stop();
  });

  it("draws nothing while nothing changes", async () => {
    const view = charts.live(events, draw);
    events.next(batch(10));
    await pass(1000);
    assert.equal(drawn.length, 1);
    events.next(batch(0));
    await pass(1000);
    assert.equal(drawn.length, 1);
    events.next(batch(0, { lost: 5 }));
    await pass(1000);
    assert.equal(drawn.length, 2, "a loss is a change");
    await view.stop();
    assert.equal(drawn.length, 2, "the last frame was there already");
  });

  for (const how of ["completes", "is stopped", "is interrupted", "fails"] as const) {
    it(`draws the last frame with a picture when it ${how}`, async () => {
      const view = charts.live(events, draw);
      events.next(batch(10));
      await pass();
      events.next(batch(7));
      if (how === "completes") events.complete();
      if (how === "is stopped") void view.stop();
      if (how === "is interrupted") notebook.interrupt.abort();
      if (how === "fails") events.error(new Error("the ring is gone"));
      await view.done;
      const last = notebook.outputs[0]!.at(-1)!;
      assert.equal(drawn.at(-1)!.numRows(), 17);
      assert.deepEqual(Object.keys(last).sort(), [account, vegaLite, svg, "text/plain"]);
      assert.equal(events.observed, false);
      if (how === "fails") {
        assert.match(String((view.error as Error).message), /the ring is gone/);
        assert.match(String(notebook.outputs[1]![0]!["text/plain"]), /its stream failed: Error: the ring is gone/);
      } else assert.equal(notebook.outputs.length, 1);

      const shown = notebook.outputs[0]!.length;
      events.next(batch(1));
      await pass(5000);
      await view.stop();
      assert.equal(notebook.outputs[0]!.length, shown, "nothing goes on after the end");
    });
  }

  it("keeps the newest rows only", async () => {
    const view = charts.live(events, draw, { window: { rows: 100 } });
    for (let i = 0; i < 50; i++) events.next(batch(30));
    await pass();
    assert.equal(drawn.at(-1)!.numRows(), 100);
    events.next(batch(1000));
    await view.stop();
    assert.equal(drawn.at(-1)!.numRows(), 100);
    const newest = writes(1000).array("duration_ns") as number[];
    assert.deepEqual(Array.from(drawn.at(-1)!.array("duration_ns")), newest.slice(-100));
  });

  it("keeps the newest seconds only", async () => {
    const view = charts.live(events, draw, { window: { seconds: 2 } });
    for (let second = 0; second < 10; second++) events.next(batch(10, { drainedAt: second * 1e9 }));
    await view.stop();
    assert.equal(drawn.at(-1)!.numRows(), 30);
  });

  it("joins the batches' columns, text by its meaning", async () => {
    const view = charts.live(events, (table) => (drawn.push(table), "seen"));
    events.next({ ...batch(2), table: writes(2, ["dd"]) as EventBatch["table"] });
    events.next({ ...batch(3), table: writes(3, ["cat"]) as EventBatch["table"] });
    await view.stop();
    assert.deepEqual(drawn.at(-1)!.array("comm"), ["dd", "dd", "cat", "cat", "cat"]);
    assert.ok(drawn.at(-1)!.column("duration_ns") instanceof Float64Array);
  });

  it("says what was lost since it began, and not before", async () => {
    const view = charts.live(events, draw);
    events.next(batch(10, { before: 1000, lost: 0 }));
    await pass();
    assert.ok(!String(notebook.outputs[0]!.at(-1)!["text/plain"]).includes("Incomplete"));
    events.next(batch(10, { before: 1000, lost: 5 }));
    await view.stop();
    assert.match(String(notebook.outputs[0]!.at(-1)!["text/plain"]), /Incomplete: of 25 events 5 lost in the kernel/);
  });

  it("leaves the account of other readers of the same batch alone", async () => {
    const made = batch(10, { lost: 5 });
    const shared = { ...made, table: captured(made.table, 2) as typeof made.table };
    const view = charts.live(events, draw);
    events.next(shared);
    await view.stop();
    assert.equal(captureOf(drawn.at(-1)!)?.lost, 5);
    assert.equal(captureOf(shared.table)?.lost, 2);
  });

  it("shows an error of draw and stops, and others go on", async () => {
    const other = charts.live(events, draw);
    const broken = charts.live(events, () => {
      throw new TypeError("no such column\u001b[2J");
    });
    events.next(batch(10));
    await broken.done;
    assert.equal((broken.error as Error).name, "TypeError");
    assert.deepEqual(notebook.outputs[1]!.at(-1), {
      "text/plain": "The live view stopped: drawing it failed: TypeError: no such column\\x1b[2J",
    });
    events.next(batch(10));
    await other.stop();
    assert.equal(drawn.at(-1)!.numRows(), 20);
    assert.equal(other.error, undefined);
  });

  it("says so when no events came", async () => {
    const view = charts.live(events, draw);
    events.complete();
    await view.done;
    assert.deepEqual(notebook.outputs[0]!.at(-1), { "text/plain": "no events" });
  });

  it("takes a draw that takes its time", async () => {
    let finish: (value: string) => void = () => {};
    const view = charts.live(events, () => new Promise<string>((resolve) => (finish = resolve)));
    events.next(batch(1));
    await pass();
    const stopped = view.stop();
    finish("at last");
    await stopped;
    assert.deepEqual(notebook.outputs[0]!.at(-1), { "text/plain": "at last" });
  });

  it("checks its options", () => {
    for (const options of [{ fps: 0 }, { fps: NaN }, { window: { rows: -1 } }, { window: { seconds: 0 } }]) {
      assert.throws(() => charts.live(events, draw, options), ArgumentError);
    }
    assert.equal(events.observed, false);
  });
});
