import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { tableFromIPC } from "apache-arrow";
import { table as makeTable } from "arquero";
import { open, save } from "../../dist/tables/capture.js";
import { BooleanColumn, DictionaryColumn } from "../../dist/streams/columns.js";
import { captureOf, markCapture } from "../../dist/streams/loss.js";
import { summary } from "../../dist/tables/latency.js";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-capture-"));
});
after(() => rm(directory, { recursive: true }));

const account = { source: "ringbuf.rb", rows: 4, lost: 3, dropped: 2, startedAt: 1_700_000_000_000, endedAt: 1_700_000_005_000 };

/** Four events with a column of each kind that streams make. */
const events = () =>
  markCapture(
    makeTable({
      duration_ns: Float64Array.of(100, 2500, 2 ** 53, 7),
      pid: Uint32Array.of(1, 2, 4_294_967_295, 4),
      cookie: BigUint64Array.of(1n, 2n, 18_446_744_073_709_551_615n, 4n),
      ok: new BooleanColumn(Uint8Array.of(1, 0, 1, 0)),
      comm: new DictionaryColumn(Uint32Array.of(1, 0, 1, 2), ["dd", "<img src=x oner", "ünï"]),
    } as never),
    account,
  );

test("what is saved comes back: values, kinds of columns, and what was lost", async () => {
  const path = join(directory, "events.arrow");
  await save(events(), path);
  const again = await open(path);
  assert.deepEqual(again.objects(), events().objects());
  assert.deepEqual(captureOf(again), account);
  assert.ok(again.column("comm") instanceof DictionaryColumn);
  assert.ok(again.column("duration_ns") instanceof Float64Array);
  assert.deepEqual(summary(again, { by: "comm" }).objects(), summary(events(), { by: "comm" }).objects());
});

test("Apache Arrow's own reader sees the same", async () => {
  const path = join(directory, "foreign.arrow");
  await save(events(), path);
  const read = tableFromIPC(await readFile(path));
  assert.equal(read.numRows, 4);
  for (const name of events().columnNames()) assert.deepEqual([...read.getChild(name)!], events().array(name), name);
  assert.match(String(read.getChild("comm")!.type), /^Dictionary/);
  assert.deepEqual(JSON.parse(read.schema.metadata.get("bpflab.capture")!), account);
});

test("a filtered table is saved as it is seen, and still says what was lost", async () => {
  const path = join(directory, "filtered.arrow");
  await save(events().filter((event: { pid: number }) => event.pid < 3), path);
  const again = await open(path);
  assert.deepEqual(again.array("pid"), [1, 2]);
  assert.equal(captureOf(again)?.lost, 3);
});

test("a wrong ending, a missing file and a file of another kind are refused in one sentence", async () => {
  await assert.rejects(save(events(), join(directory, "events.csv")), /^ArgumentError: Expected a name that ends in \.arrow, got .*events\.csv\.$/);
  await assert.rejects(open(join(directory, "nowhere.arrow")), /nowhere\.arrow cannot be read: ENOENT/);
  await writeFile(join(directory, "text.arrow"), "no arrow at all");
  await assert.rejects(open(join(directory, "text.arrow")), /text\.arrow is not an Arrow file: /);
});
