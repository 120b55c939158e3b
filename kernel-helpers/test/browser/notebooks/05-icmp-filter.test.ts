import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("05-icmp-filter", {
  async then({ notebook, page }) {
    assert.equal(await notebook.charts.count(), 5);
    const flood = await notebook.outputs.filter({ hasText: /^sent \d+, received \d+, threshold \d+/ }).allInnerTexts();
    assert.deepEqual(flood.map((text) => /received \d+, threshold \d+/.exec(text)![0]), ["received 50, threshold 50", "received 20, threshold 20"]);
    assert.match(page, /<dt>threshold<\/dt><dd>50<\/dd>/);
  },
});
