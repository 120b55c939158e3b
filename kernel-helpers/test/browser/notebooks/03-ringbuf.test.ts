import assert from "node:assert/strict";
import { assertDrawn } from "../notebook-page.js";
import { testNotebook, WHOLE } from "./shipped.js";

testNotebook("03-ringbuf", {
  async before(notebook) {
    const live = notebook.panel.locator(".jp-CodeCell", { hasText: "charts.live(" });
    const frames = await notebook.framesWhileRunning(live);
    assert.ok(frames >= 4, `the live view showed ${frames} frames`);
    assert.equal(await notebook.framesWithin(live, 1500), 1, "and stands still after its cell");
  },

  async then({ lab, notebook, page }) {
    assert.match(page, /<header class="bpflab-cover">\s*<h1>3 · Every write of the machine<\/h1>/);
    assert.match(page, /4 captures, [\d,]+ events are missing/);

    // What was saved comes back.
    const count = await notebook.charts.count();
    assert.equal(count, 6);
    const tables = await notebook.outputs.locator(".bpflab-table").allInnerTexts();
    const saved = await lab.saved(notebook.name);
    const again = await lab.open(notebook.name, { height: WHOLE });
    await again.charts.nth(count - 1).waitFor();
    assert.equal(await again.charts.count(), count);
    for (const chart of await again.charts.all()) await assertDrawn(chart);
    assert.deepEqual(await again.outputs.locator(".bpflab-table").allInnerTexts(), tables);
    assert.deepEqual(await lab.saved(notebook.name), saved);
    await again.close();
  },
});
