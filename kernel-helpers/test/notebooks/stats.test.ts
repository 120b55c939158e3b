import assert from "node:assert/strict";
import { test } from "node:test";
import { execute } from "./execute.js";

const writers = ["backup", "database", "logger", "ticker"];

test("04-stats: the map and the ring tell the same story, and every way of delivery works", async () => {
  const notebook = await execute("04-stats.ipynb");

  const files = notebook.text("withPaths(stats.maps");
  for (const path of ["/dev/null", "/app.log", "/backup.img", "/table.db"]) assert.ok(files.includes(path), `${path} is not among the files:\n${files}`);
  assert.match(notebook.chart('y: "written_bytes" })'), /app\.log/);
  notebook.chart("Time spent in write by file");
  notebook.chart("charts.buckets(latency.buckets(ours");

  const compared = notebook.rows("writes in the map");
  assert.deepEqual(compared.map(([comm]) => comm), writers);
  for (const [comm, inMap, inRing] of compared) assert.equal(inMap, inRing, `writes of ${comm}`);
  notebook.chart("Counted in the kernel");
  notebook.chart("Counted here, from the events of ringbuf");
  assert.match(notebook.chart("const rateView"), /ticker/);
  notebook.chart("const bucketView");

  const everyN = notebook.rows("stats.globals.every_n = 5000");
  assert.ok(everyN.length > 0);
  for (const [, , counted] of everyN) assert.equal(Number(counted!.replaceAll(",", "")) % 5000, 0);
  assert.deepEqual(notebook.rows("stats.globals.every_ns = 500e6").map(([comm]) => comm).sort(), writers);

  const costs = notebook.rows("async function cost(");
  assert.equal(costs.length, 4);
  const records = costs.map((row) => Number(row.at(-1)!.replaceAll(",", "")));
  assert.equal(records[0], 0, "the map alone sends nothing");
  assert.ok(records[1]! >= 300 && records[3]! >= 300_000, `${records.join(", ")} records`);
  assert.match(notebook.chart("What observing costs, per write"), /ringbuf, every write/);
  assert.match(notebook.text("maxEntries: { stats_map: 2 }"), /^Incomplete: [\d,]+ updates found no room in stats\.stats_map\./);
});
