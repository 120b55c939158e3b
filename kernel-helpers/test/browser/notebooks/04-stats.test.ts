import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("04-stats", {
  async before(notebook) {
    const live = notebook.panel.locator(".jp-CodeCell", { hasText: "charts.lines(" });
    const frames = await notebook.framesWhileRunning(live);
    assert.ok(frames >= 4, `the rates were drawn ${frames} times`);
    assert.equal(await notebook.framesWithin(live, 1000), 1, "and stand still after their cell");
  },

  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 8);
  },
});
