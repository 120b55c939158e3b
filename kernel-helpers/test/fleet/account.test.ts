import assert from "node:assert/strict";
import { test } from "node:test";
import { accountOf, accountTable } from "../../dist/fleet/account.js";

const ring = { delivered: 90, waiting: 3, dropped: 4, unread: 2, malformed: 1, malformedLength: 0, inexact: 0 };
const seen = { host: "web-1", delivered: 60, lostInTransport: 5, unread: 0, next: 65 };

test("an account adds up", () => {
  const account = accountOf(seen, { ring: { ...ring, lost: 10 }, sent: 80, overflow: 10 });
  assert.deepEqual(account, {
    host: "web-1",
    produced: 110,
    delivered: 60,
    lost_in_kernel: 10,
    dropped_at_agent: 14,
    lost_in_transport: 5,
    malformed: 1,
    unread: 2,
    in_flight: 18,
  });
  const { produced, host: _, ...parts } = account;
  assert.equal(
    produced,
    Object.values(parts).reduce((sum, count) => sum! + count!, 0),
  );
});

test("what came after the agent looked was produced since", () => {
  const account = accountOf(
    { ...seen, delivered: 85, next: 90 },
    { ring: { ...ring, lost: 0 }, sent: 80, overflow: 10 },
  );
  assert.deepEqual([account.produced, account.in_flight], [110, 3]);
});

test("unknown is null, of one host and of all", () => {
  const known = accountOf(seen, { ring: { ...ring, lost: 10 }, sent: 80, overflow: 10 });
  const uncounted = accountOf({ ...seen, host: "web-2" }, { ring, sent: 80, overflow: 10 });
  const silent = accountOf({ ...seen, host: "db-1" }, undefined);
  const table = accountTable([known, uncounted, silent]);
  assert.deepEqual(table.array("host"), ["web-1", "web-2", "db-1", "all"]);
  assert.deepEqual(table.array("produced"), [110, null, null, null]);
  assert.deepEqual(table.array("lost_in_kernel"), [10, null, null, null]);
  assert.deepEqual(table.array("in_flight"), [18, 18, null, null]);
  assert.deepEqual(table.array("delivered"), [60, 60, 60, 180]);
});
