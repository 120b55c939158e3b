/** More than can be read, delivered or kept: the account stays exact, and memory within its bound. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Subscription } from "rxjs";
import { bpf, type BpfObject } from "../../dist/api/index.js";
import { residentKiB } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { buildWriters, type Writers } from "../workload/writers.js";
import { rounds, seeded } from "./seeded.js";

const WRITERS = 2;
const writes = rounds(150_000, 4_000_000);

const source = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct seen { __u64 number; char comm[16]; };
const volatile __u32 writer = 0;
__u64 made = 0;
RING_BUFFER(ring, struct seen, 1 << 16);
SEC("tp/syscalls/sys_enter_write") int on_write(void *ctx) {
  if (bpf_get_current_pid_tgid() >> 32 != writer) return 0;
  __u64 number = __sync_fetch_and_add(&made, 1);
  struct seen *e = event_reserve(ring);
  if (!e) return 0;
  e->number = number;
  bpf_get_current_comm(e->comm, sizeof(e->comm));
  event_submit(ring, e);
  return 0;
}`;

let writersOf: Awaited<ReturnType<typeof buildWriters>>;
before(async () => void (writersOf = await buildWriters()));
after(() => writersOf.remove());
afterEach(() => bpf.closeAll());

async function begin(): Promise<{ object: BpfObject; writers: Writers }> {
  const writers = writersOf.start({ threads: WRITERS, writes });
  const compiled = await bpf.compile(source, { name: "overload" });
  return { object: await (await bpf.load(compiled, { constants: { writer: writers.pid } })).attach(), writers };
}

/** All that were made are in one of the four counts, and each delivered one was delivered once. */
async function assertExact(object: BpfObject, got: number): Promise<void> {
  const made = object.globals["made"] as number;
  assert.ok(made >= WRITERS * writes, `${made} records were made`);
  await until("the ring is empty", () => {
    const { delivered, lost, dropped, unread } = object.totals("ring");
    return delivered + lost! + dropped + unread === made;
  });
  assert.equal(object.totals("ring").delivered, got, "what counts as delivered was delivered");
}

test("twenty subscribers that come and go while producers run at full speed", async () => {
  const { object, writers } = await begin();
  const random = seeded(20);
  const subscriptions: Subscription[] = [];
  const delivered = new Uint8Array(WRITERS * writes + 1000); // each record reaches several
  let over = false;
  const running = writers.run().finally(() => (over = true));
  let turns = 0; // of the event loop
  while (!over) {
    if (subscriptions.length < 20)
      subscriptions.push(
        object.events("ring", { bufferBytes: 1 << 20 }).subscribe(({ table }) => {
          for (const number of table.column("number") as unknown as Float64Array) delivered[number] = 1;
        }),
      );
    if (random() < 0.4) subscriptions.splice(Math.floor(random() * subscriptions.length), 1)[0]?.unsubscribe();
    await sleep(5);
    turns++;
  }
  await running;
  await sleep(100); // what waits for them is handed over
  for (const subscription of subscriptions) subscription.unsubscribe();
  await assertExact(
    object,
    delivered.reduce((sum, one) => sum + one, 0),
  );
  assert.ok(turns >= 5, `the event loop turned ${turns} times`);
});

test("a JavaScript thread that stands still: what is beyond the bound is dropped and counted", async () => {
  const { object, writers } = await begin();
  const bufferBytes = 1 << 18;
  let rows = 0;
  object.events("ring", { bufferBytes }).subscribe((batch) => (rows += batch.rows));
  const before = await residentKiB();
  const running = writers.run();
  await until("they write", () => (object.globals["made"] as number) > 0);
  while ((object.globals["made"] as number) < WRITERS * writes); // a cell that computes
  const grown = (await residentKiB()) - before;
  await running;
  await until("all is handed over", () => object.totals("ring").waiting === 0);
  await assertExact(object, rows);
  assert.ok(object.totals("ring").dropped > 0, "nothing was over the bound");
  assert.ok(grown < 32 * 1024, `it took ${grown} KiB`);
});
