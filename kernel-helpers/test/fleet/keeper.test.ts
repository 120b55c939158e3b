/** What a keeper makes of messages, given to it as a server would. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { table as makeTable } from "arquero";
import { capture, captureOf } from "../../dist/api/index.js";
import { Keeper } from "../../dist/fleet/keeper.js";
import { packTable } from "../../dist/fleet/payload.js";
import { subjects } from "../../dist/fleet/protocol.js";

/** A stream into which the test puts messages. */
function stream() {
  let seq = 0;
  let callback: (message: object) => void;
  const consumer = {
    consume: async (options: { callback: (message: object) => void }) => {
      ({ callback } = options);
      return { close: async () => {} };
    },
  };
  const put = async (pids: number[], first: number, counts: { lost: number; dropped: number }) => {
    const header = { first, rows: pids.length, ...counts, malformed: 0, inexact: 0, boot: "b", sent_ns: 5, wall_ms: 5 };
    callback({
      seq: ++seq,
      subject: subjects.events("web-1", "ringbuf", "rb", "feed"),
      timestampNanos: 1_700_000_000_000_000_000n + BigInt(seq),
      headers: { get: () => JSON.stringify(header) },
      data: await packTable(makeTable({ pid: Uint32Array.from(pids), start_ns: Float64Array.from(pids) })),
    });
  };
  return { consumers: { get: async () => consumer }, put };
}

test("what was lost while no row came is kept, too", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-keeper-"));
  try {
    const server = stream();
    const keeper = new Keeper(directory, () => undefined);
    await (keeper as unknown as { start(from: object): Promise<void> }).start(server);
    await server.put([], 0, { lost: 0, dropped: 0 });
    await server.put([7, 8], 0, { lost: 1, dropped: 0 });
    await keeper.flush();
    await server.put([], 2, { lost: 5, dropped: 3 });
    await keeper.flush();
    await server.put([], 2, { lost: 5, dropped: 3 });
    await keeper.close();
    const files = (await readdir(directory, { recursive: true })).filter((file) => file.endsWith(".parquet"));
    const kept = await Promise.all(files.sort().map((file) => capture.open(join(directory, file))));
    const accounts = kept.map((table) => {
      const { lost, dropped } = captureOf(table)!;
      return [table.numRows(), table.columnNames().includes("pid"), lost, dropped];
    });
    assert.deepEqual(accounts, [
      [2, true, 1, 0],
      [0, true, 4, 3],
    ]);
    assert.equal(keeper.written, 2);
  } finally {
    await rm(directory, { recursive: true });
  }
});
