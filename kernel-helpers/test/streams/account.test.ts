import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { finalize, take, type Subscription } from "rxjs";
import { bpf, captureOf, collect, type BpfObject } from "../../dist/api/index.js";
import { until } from "../workload/until.js";

// Two rings; each run of a program makes one record that is numbered, or loses one.
const source = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct numbered { __u64 number; };
__u64 a_made = 0, b_made = 0;
RING_BUFFER(a, struct numbered, 1 << 20);
RING_BUFFER(b, struct numbered, 1 << 20);
SEC("raw_tp") int make_a(void *ctx) { struct numbered *e = event_reserve(a); a_made++; if (e) { e->number = a_made; event_submit(a, e); } return 0; }
SEC("raw_tp") int make_b(void *ctx) { struct numbered *e = event_reserve(b); b_made++; if (e) { e->number = b_made; event_submit(b, e); } return 0; }
SEC("raw_tp") int lose_a(void *ctx) { a_made++; event_lost(a); return 0; }`;

// An event for each write of one process.
const endless = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct numbered { __u64 number; };
const volatile __u32 writer = 0;
__u64 made = 0;
RING_BUFFER(ring, struct numbered, 1 << 20);
SEC("tp/syscalls/sys_enter_write") int on_write(void *ctx) {
	if (bpf_get_current_pid_tgid() >> 32 != writer) return 0;
	made++;
	struct numbered *e = event_reserve(ring);
	if (e) { e->number = made; event_submit(ring, e); }
	return 0;
}`;

describe("the account of a ring", () => {
  let object: BpfObject;
  beforeEach(async () => void (object = await bpf.load(await bpf.compile(source, { name: "account" }))));
  afterEach(() => bpf.closeAll());

  const run = (program: string, times = 1) => {
    for (let i = 0; i < times; i++) object.programs[program]!.testRun();
  };
  const numbers = (table: { array(name: string): ArrayLike<unknown> }) =>
    Array.from(table.array("number") as ArrayLike<number>);
  const accounted = (ring = "a") => {
    const { delivered, lost, dropped, unread } = object.totals(ring);
    return delivered + lost! + dropped + unread;
  };

  test("is exact in any order of making, losing, subscribing, unsubscribing, waiting and changing options", async () => {
    const choose = generator(7);
    const subscriptions: Subscription[] = [];
    const got = new Set<number>();
    let options: { bufferBytes?: number; bigint?: string[] } = {};
    object.totals("a"); // from here on the ring is read
    for (let step = 0; step < 1500; step++) {
      switch (choose(7)) {
        case 0:
        case 1:
          run("make_a", choose(40));
          break;
        case 2:
          run("lose_a", choose(3));
          break;
        case 3:
          subscriptions.push(
            object.events("a", options).subscribe(({ table }) => numbers(table).forEach((n) => got.add(Number(n)))),
          );
          break;
        case 4:
          subscriptions.splice(choose(subscriptions.length + 1), 1)[0]?.unsubscribe();
          break;
        case 5:
          await (choose(4) ? turn() : sleep(choose(40)));
          break;
        default:
          if (subscriptions.length === 0)
            options = choose(2) ? { bufferBytes: 2 ** 16 + choose(1000) } : { bigint: ["number"] };
      }
      assert.ok(accounted() <= object.globals["a_made"], "more than was made");
    }
    while (subscriptions.length > 0) subscriptions.pop()!.unsubscribe();
    await until("the drain thread looks at a ring that nobody wants", () => accounted() === object.globals["a_made"]);
    const totals = object.totals("a");
    assert.equal(totals.delivered, got.size, "what counts as delivered was delivered");
    assert.ok(totals.delivered > 100 && totals.unread > 100 && totals.lost! > 100, JSON.stringify(totals));
  });

  test("of several rings is kept apart", async () => {
    const both = [collect(object.events("a"), { seconds: 0.1 }), collect(object.events("b"), { rows: 7 })] as const;
    run("make_a", 5);
    run("make_b", 7);
    run("lose_a");
    const [a, b] = await Promise.all(both);
    assert.deepEqual(
      [numbers(a), numbers(b)],
      [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5, 6, 7],
      ],
    );
    assert.deepEqual([captureOf(a)!.lost, captureOf(b)!.lost], [1, 0]);
    assert.deepEqual([accounted("a"), accounted("b")], [6, 7]);
  });

  test("counts losses of a collection that got no rows", async () => {
    const table = await collect(object.events("a"), { until: async () => run("lose_a", 3) });
    assert.equal(table.numRows(), 0);
    assert.deepEqual(table.columnNames(), ["number"]);
    assert.equal(captureOf(table)!.lost, 3);
    const later = await collect(object.events("a"), { until: async () => run("make_a") });
    assert.equal(captureOf(later)!.lost, 0, "they are not the next one's");
  });

  test("counts losses after the last row", async () => {
    const table = await collect(object.events("a"), {
      until: async () => (run("make_a"), await sleep(100), run("lose_a", 2)),
    });
    assert.deepEqual([table.numRows(), captureOf(table)!.lost], [1, 2]);
  });

  test("calls unread what was taken for one that left before he got it", async () => {
    let rows = 0;
    const first = new Promise<void>((resolve) =>
      object
        .events("a", { bufferBytes: 2 ** 16 })
        .pipe(take(1), finalize(resolve))
        .subscribe((batch) => (rows += batch.rows)),
    );
    run("make_a", 5000); // several chunks, and the event loop has not turned
    await first;
    assert.ok(rows < 5000, "there was one chunk only, so this shows nothing");
    const { delivered, unread } = object.totals("a");
    assert.deepEqual({ delivered, unread }, { delivered: rows, unread: 5000 - rows });
  });

  test("gives each listener its events in order, also when one subscribes in the middle of a hand-over", async () => {
    const got: Record<string, number[]> = { first: [], second: [], third: [] };
    const listen = (name: string, then = () => {}) =>
      object.events("a", { bufferBytes: 2 ** 16 }).subscribe(({ table }) => {
        got[name]!.push(...numbers(table));
        then();
      });
    let joined = 0;
    listen("first", () => {
      if (joined) return;
      run("make_a", 10);
      joined = object.globals["a_made"];
      listen("third");
      run("make_a", 10);
    });
    listen("second");
    run("make_a", 5000);
    await until(
      "all is delivered to all",
      () => joined > 0 && ["first", "second", "third"].every((name) => got[name]!.at(-1) === 5020),
    );
    const all = Array.from({ length: 5020 }, (_, i) => i + 1);
    assert.deepEqual(got["first"], all);
    assert.deepEqual(got["second"], all);
    assert.deepEqual(got["third"], all.slice(joined), "from the moment of subscribing, and nothing older");
    assert.equal(accounted(), 5020);
  });

  test("survives that a listener closes the object, also while it is being closed", async () => {
    for (const outside of [false, true]) {
      const mine = await bpf.load(await bpf.compile(source, { name: "account" }));
      let completed = 0;
      let rows = 0;
      for (let i = 0; i < 2; i++) {
        mine.events("a").subscribe({
          next(batch) {
            rows += batch.rows;
            mine.close();
          },
          complete: () => completed++,
        });
      }
      for (let i = 0; i < 3; i++) mine.programs["make_a"]!.testRun();
      if (outside) mine.close();
      else await until("a listener closes it", () => mine.closed);
      assert.deepEqual({ closed: mine.closed, completed, rows }, { closed: true, completed: 2, rows: 6 });
    }
  });

  test("is that of the table that a collection gives, while events come without end", async () => {
    const dd = spawn("dd", ["if=/dev/zero", "of=/dev/null", "bs=1"], { stdio: "ignore" });
    try {
      const busy = await bpf.load(await bpf.compile(endless, { name: "endless" }), { constants: { writer: dd.pid! } });
      await busy.attach();
      let rows = 0;
      for (const options of [{ seconds: 0.05 }, { rows: 5000 }, { until: sleep(40) }, { seconds: 0.1 }, { rows: 1 }]) {
        for (let time = 0; time < 5; time++) {
          const table = await collect(busy.events("ring"), options);
          const capture = captureOf(table)!;
          assert.equal(capture.rows, table.numRows());
          if (options.rows) assert.equal(table.numRows(), options.rows);
          rows += table.numRows();
        }
      }
      busy.detach();
      const { delivered, lost, dropped, unread } = busy.totals("ring");
      assert.equal(delivered, rows, "what counts as delivered is in a table");
      assert.equal(delivered + lost! + dropped + unread, busy.globals["made"]);
    } finally {
      dd.kill();
    }
  });

  test("goes on when a ring is read with other options, and leaves nothing behind on the object", async () => {
    const waiting = new Set<() => void>();
    const onClose = object.onClose.bind(object);
    object.onClose = (act) => {
      waiting.add(act);
      const forget = onClose(act);
      return () => (waiting.delete(act), forget());
    };
    for (let i = 0; i < 20; i++) {
      await collect(object.events("a", { bufferBytes: 2 ** 16 + i }), { until: async () => run("make_a", 2) });
      run("make_a");
    }
    assert.equal(waiting.size, 1, "one reader is open");
    const { delivered, unread } = object.totals("a");
    assert.equal(delivered, 40);
    assert.ok(unread >= 19 && unread <= 20); // the last may still be in the ring
    object.close();
    assert.throws(() => object.totals("a"), /is closed/);
  });
});

/** Numbers below `below` that are the same in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
