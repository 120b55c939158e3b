import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("05-icmp-filter", {
  async then({ notebook, executed, page }) {
    assert.equal(await notebook.charts.count(), 5);
    assert.match(page, /<dt>threshold<\/dt><dd>50<\/dd>/);

    // what the threshold says is what the hosts get, and a neighbour loses nothing
    assert.deepEqual(
      executed.rows('mode: "monitor", threshold }').map(([, state, , passed, dropped]) => [state, passed, dropped]),
      Array(3).fill(["counted", "3", "0"]),
    );
    assert.equal(executed.text("const deaf").trim(), "sent 5, received 0\nsent 5, received 5");
    assert.match(executed.chart("const counted"), /threshold 50/);

    const [block, ...others] = executed.rows("let moderated");
    assert.deepEqual(others, []);
    const [, abusive, count, action] = block!;
    assert.deepEqual([count, action], ["51", "block"]);
    const moderated = executed.chart("const marks");
    assert.ok(moderated.includes(`${abusive} blocked`) && moderated.includes("threshold 50"));
    assert.match(executed.chart("const fates"), /dropped/);

    assert.match(executed.text("const flood ="), /sent 300, received 50, threshold 50/);
    assert.match(executed.text("const tweaked"), /sent 300, received 20, threshold 20/);
    assert.match(executed.chart("let repeated"), /release/);

    const neighbour = executed.text("const trips");
    assert.match(neighbour, /mode filter: the flood got 50 replies/);
    const phases = [...neighbour.matchAll(/^\d .* (\d+) of (\d+) answered/gm)];
    assert.equal(phases.length, 4);
    for (const [phase, answered, sent] of phases) assert.equal(answered, sent, phase);
    executed.chart("Round trips of a polite neighbour");
    assert.match(executed.text("filter.close();"), /without the filter: sent 5, received 5/);
  },
});
