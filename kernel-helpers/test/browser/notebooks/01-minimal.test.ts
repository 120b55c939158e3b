import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("01-minimal", {
  async then({ notebook }) {
    const table = notebook.outputs.locator(".bpflab-table table").first();
    const heads = await table.locator("thead th").evaluateAll((all) => all.map((head) => head.firstChild!.textContent));
    assert.deepEqual(heads.slice(0, 5), ["comm", "pid", "cpu", "timestamp", "message"]);
    const rows = await table.locator("tbody tr").allInnerTexts();
    assert.ok(rows.length >= 5);
    for (const row of rows) assert.match(row, /^sh\t\d+\t\d+\t\d+\.\d{6}\t/);
  },
});
