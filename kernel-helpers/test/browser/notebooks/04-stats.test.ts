import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

const writers = ["backup", "database", "logger", "ticker"];

testNotebook("04-stats", {
  async before(notebook) {
    const live = notebook.panel.locator(".jp-CodeCell", { hasText: "charts.lines(" });
    const frames = await notebook.framesWhileRunning(live);
    assert.ok(frames >= 4, `the rates were drawn ${frames} times`);
    assert.equal(await notebook.framesWithin(live, 1000), 1, "and stand still after their cell");
  },

  async then({ notebook, executed }) {
    assert.equal(await notebook.charts.count(), 8);

    // the map and the ring tell the same story, and every way of delivery works
    const files = executed.text("withPaths(stats.maps");
    for (const path of ["/dev/null", "/app.log", "/backup.img", "/table.db"])
      assert.ok(files.includes(path), `${path} is not among the files:\n${files}`);
    assert.match(executed.chart('y: "written_bytes" })'), /app\.log/);
    executed.chart("Time spent in write by file");
    executed.chart("charts.buckets(latency.buckets(ours");

    const compared = executed.rows("writes in the map");
    assert.deepEqual(
      compared.map(([comm]) => comm),
      writers,
    );
    for (const [comm, inMap, inRing] of compared) assert.equal(inMap, inRing, `writes of ${comm}`);
    executed.chart("Counted in the kernel");
    executed.chart("Counted here, from the events of ringbuf");
    assert.match(executed.chart("const rateView"), /ticker/);
    executed.chart("const bucketView");

    const everyN = executed.rows("stats.globals.every_n = 5000");
    assert.ok(everyN.length > 0);
    for (const [, , counted] of everyN) assert.equal(Number(counted!.replaceAll(",", "")) % 5000, 0);
    assert.deepEqual(
      executed
        .rows("stats.globals.every_ns = 500e6")
        .map(([comm]) => comm)
        .sort(),
      writers,
    );

    const costs = executed.rows("async function cost(");
    assert.equal(costs.length, 4);
    const records = costs.map((row) => Number(row.at(-1)!.replaceAll(",", "")));
    assert.equal(records[0], 0, "the map alone sends nothing");
    assert.ok(records[1]! >= 300 && records[3]! >= 300_000, `${records.join(", ")} records`);
    assert.match(executed.chart("What observing costs, per write"), /ringbuf, every write/);
    assert.match(
      executed.text("maxEntries: { stats_map: 2 }"),
      /^Incomplete: [\d,]+ updates found no room in stats\.stats_map\./,
    );
  },
});
