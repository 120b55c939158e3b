import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { captureOf, collect, type Fleet, type FleetObject, latency, toDate } from "../../dist/api/index.js";
import { buildWriters, type ThreadReport } from "../workload/writers.js";
import { rowOf, startWithRingbuf, type TestFleet } from "./fleet.js";

const names = ["db-1", "web-1", "web-2"];

describe("a ring on three hosts", () => {
  let lab: TestFleet;
  let fleet: Fleet;
  let ringbuf: FleetObject;
  let writers: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => {
    writers = await buildWriters();
    ({ lab, fleet, ringbuf } = await startWithRingbuf(names));
  });
  after(async () => {
    await fleet?.close();
    await lab?.end();
    await writers.remove();
  });

  test("the hosts say what they are", () => {
    const hosts = fleet.hosts().objects() as Record<string, any>[];
    assert.deepEqual(
      hosts.map(({ host }) => host),
      names,
    );
    for (const { kernel, programs } of hosts) {
      assert.match(kernel, /^Linux \d/);
      assert.match(programs, /\bringbuf\b/);
    }
    assert.deepEqual(ringbuf.hosts, names);
  });

  test("each write comes once from each host, and the account is exact", async () => {
    const writes = 5000;
    const job = writers.start({ threads: 2, writes });
    ringbuf.globals["watched_pid"] = job.pid;
    const applied = (await ringbuf.applied()).objects() as Record<string, any>[];
    assert.deepEqual(
      applied.map(({ host, value, outcome }) => [host, value, outcome]),
      names.map((host) => [host, job.pid, "done"]),
    );
    assert.equal(ringbuf.globals["watched_pid"], job.pid);
    const before = (await ringbuf.account("rb")).objects() as Record<string, any>[];

    let reports: ThreadReport[] = [];
    const table = await collect(ringbuf.events("rb"), { until: async () => (reports = await job.run()) });

    const counts = table.groupby("host").count().orderby("host").objects() as Record<string, any>[];
    const perHost = counts.map(({ count }) => count as number);
    assert.equal(counts.length, names.length);
    assert.equal(new Set(perHost).size, 1, `all saw the same process, and have ${perHost.join(", ")}`);
    const rows = table.select("host", "tid", "fd").objects() as Record<string, any>[];
    for (const host of names)
      for (const { tid, fd } of reports)
        assert.equal(
          rows.filter((row) => row["host"] === host && row["tid"] === tid && row["fd"] === fd).length,
          writes,
        );
    const capture = captureOf(table)!;
    assert.deepEqual([capture.lost, capture.dropped, capture.rows], [0, 0, table.numRows()]);
    assert.equal(capture.host, "db-1 and web-1 and web-2");
    const first = table.get("start_ns", 0) as number;
    assert.ok(Math.abs(toDate(first, table).getTime() - Date.now()) < 60_000);

    const account = await ringbuf.account("rb");
    for (const [i, host] of names.entries()) {
      const row = rowOf(account, host);
      const sum =
        row["delivered"] +
        row["lost_in_kernel"] +
        row["dropped_at_agent"] +
        row["lost_in_transport"] +
        row["malformed"] +
        row["unread"] +
        row["in_flight"];
      assert.equal(row["produced"], sum, JSON.stringify(row));
      assert.equal(row["produced"] - before[i]!["produced"], perHost[0], JSON.stringify(row));
      assert.equal(row["delivered"], perHost[0]);
    }
    assert.equal(rowOf(account, "all")["delivered"], table.numRows());

    const summary = latency.summary(table, { by: "host" }).objects() as Record<string, any>[];
    assert.deepEqual(
      summary.map(({ count }) => count),
      perHost,
    );
  });
});
