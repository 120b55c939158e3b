import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { charts, op, probe } from "../../dist/api/index.js";
import { writes } from "./paused.js";

describe("histograms that the kernel counted, as rows", () => {
  test("by powers of two and in steps, with their groups and bounds", async () => {
    using dd = writes(10, 300);
    const table = await probe("tp/syscalls/sys_exit_write")
      .filter((d, $) => d.pid === $.pid)
      .params({ pid: dd.pid })
      .groupby("comm")
      .rollup({ sizes: op.log2("ret"), steps: op.linear("ret", 0, 1000, 250), high: op.linear("ret", 0, 100, 50) })
      .collect({ until: () => dd.run() });
    assert.deepEqual(probe.buckets(table, "sizes").objects(), [{ comm: "dd", low: 256, high: 512, count: 10 }]);
    assert.deepEqual(probe.buckets(table, "steps").objects(), [{ comm: "dd", low: 250, high: 500, count: 10 }]);
    assert.deepEqual(probe.buckets(table, "high").objects(), [{ comm: "dd", low: 100, high: Infinity, count: 10 }]);
    charts.buckets(probe.buckets(table, "sizes"), { low: "low", high: "high" });
    assert.throws(() => probe.buckets(table, "size"), /no column "size"/);
    assert.throws(() => probe.buckets(table, "comm"), /holds no histogram/);
  });
});
