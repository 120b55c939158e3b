import assert from "node:assert/strict";
import { test } from "node:test";
import { execute } from "./execute.js";

test("13-fleet: who floods whom, one threshold for all, who was blocked where, latency by host", async () => {
  const notebook = await execute("13-fleet.ipynb");
  const names = ["db-1", "web-1", "web-2"];
  // On a busy machine events may come late, and the table says so above its head.
  const rowsOf = (holding: string) => notebook.rows(holding).filter(([first]) => first !== "host");
  assert.deepEqual(
    notebook.rows("tryFleet({").map(([host]) => host),
    names,
  );
  assert.deepEqual(
    notebook.rows('fleet.load("tc_icmp_filter"').map((row) => row.slice(0, 2)),
    names.map((host) => [host, "done"]),
  );

  const [most, ...others] = notebook.rows("await traffic();");
  assert.deepEqual(most, ["web-1", "db-1", "600", "0"]);
  assert.equal(others.length, 5);
  for (const row of others) assert.deepEqual(row.slice(2), ["30", "0"]);
  assert.match(notebook.chart("const pairs"), /web-1 → db-1/);

  const applied = notebook.rows('filter.globals.mode = "filter";');
  assert.equal(applied.length, 6);
  for (const [, , , outcome] of applied) assert.equal(outcome, "done");

  const blocks = rowsOf("const blocks");
  assert.deepEqual(
    blocks.map((row) => row.slice(0, 2)),
    [["db-1", "web-1"]],
  );
  assert.match(notebook.chart("const marks"), /web-1 blocked on db-1/);
  const account = notebook.rows("filter.account");
  assert.deepEqual(
    account.map(([host]) => host),
    [...names, "all"],
  );
  for (const [host, produced, delivered, lost, dropped, lostInTransport, malformed, unread, inFlight] of account) {
    assert.equal(Number(produced), Number(delivered) + Number(unread), host);
    assert.deepEqual([lost, dropped, lostInTransport, malformed, inFlight], ["0", "0", "0", "0", "0"], host);
  }
  const strict = notebook.rows("threshold: 5 }");
  assert.deepEqual(strict, [
    ["web-1", "done"],
    ["web-2", "done"],
  ]);

  const latency = rowsOf("latency.summary(writes");
  assert.deepEqual(latency.map(([host]) => host).sort(), names);
  for (const [host, count] of latency) assert.ok(Number(count!.replaceAll(",", "")) >= 3000, `${host}: ${count}`);
  notebook.chart("charts.ecdf(writes");
});
