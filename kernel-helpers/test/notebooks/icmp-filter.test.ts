import assert from "node:assert/strict";
import { test } from "node:test";
import { execute } from "./execute.js";

test("05-icmp-filter: what the threshold says is what the hosts get, and a neighbour loses nothing", async () => {
  const notebook = await execute("05-icmp-filter.ipynb");

  assert.deepEqual(notebook.rows('mode: "monitor", threshold }').map(([, state, , passed, dropped]) => [state, passed, dropped]), Array(3).fill(["counted", "3", "0"]));
  assert.equal(notebook.text("const deaf").trim(), "sent 5, received 0\nsent 5, received 5");
  assert.match(notebook.chart("const counted"), /threshold 50/);

  const [block, ...others] = notebook.rows("let moderated");
  assert.deepEqual(others, []);
  const [, abusive, count, action] = block!;
  assert.deepEqual([count, action], ["51", "block"]);
  const moderated = notebook.chart("const marks");
  assert.ok(moderated.includes(`${abusive} blocked`) && moderated.includes("threshold 50"));
  assert.match(notebook.chart("const fates"), /dropped/);

  assert.match(notebook.text("const flood ="), /sent 300, received 50, threshold 50/);
  assert.match(notebook.text("const tweaked"), /sent 300, received 20, threshold 20/);
  assert.match(notebook.chart("let repeated"), /release/);

  const neighbour = notebook.text("const trips");
  assert.match(neighbour, /mode filter: the flood got 50 replies/);
  const phases = [...neighbour.matchAll(/^\d .* (\d+) of (\d+) answered/gm)];
  assert.equal(phases.length, 4);
  for (const [phase, answered, sent] of phases) assert.equal(answered, sent, phase);
  notebook.chart("Round trips of a polite neighbour");
  assert.match(notebook.text("filter.close();"), /without the filter: sent 5, received 5/);
});
