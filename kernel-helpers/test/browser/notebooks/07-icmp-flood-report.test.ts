import assert from "node:assert/strict";
import { answersOf, testNotebook } from "./shipped.js";

testNotebook("07-icmp-flood-report", {
  /** It counts as many replies as each threshold allows. */
  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 5);
    assert.equal(
      (await answersOf(notebook)).get("And with thresholds of 10 · 100 · 1000?"),
      "10 · 100 · 1,000 replies",
    );
    const table = notebook.outputs.locator(".bpflab-table", { hasText: "dropped" }).first();
    const rows = await table
      .locator("tbody tr")
      .evaluateAll((all) =>
        all.map((row) => Array.from(row.querySelectorAll("td"), (cell) => cell.textContent.replaceAll(",", ""))),
      );
    for (const [phase, sent, passed, dropped, replies] of rows.slice(1)) {
      const threshold = /\d+$/.exec(phase!)![0];
      assert.deepEqual(
        [passed, replies, Number(dropped)],
        [threshold, threshold, Number(sent) - Number(threshold)],
        phase,
      );
    }
    assert.equal(rows.length, 4);
  },
});
