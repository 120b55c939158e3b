import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("12-user-space", {
  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 5);
    const rows = async (hasText: RegExp) => {
      const table = notebook.outputs.locator(".bpflab-table", { hasText }).first();
      return (await table.locator("tbody tr").allInnerTexts()).map((row) => row.split(/\s+/));
    };
    // 3,000 orders: malloc twice in read_order and once in copy_note, which is the one that drop_order forgets of 60.
    const allocated = await rows(/mean/);
    const calls = (end: RegExp) => allocated.find(([stack]) => end.test(stack!))?.[1];
    assert.equal(calls(/;main;read_order;\w*malloc$/), "6,000");
    assert.equal(calls(/;read_order;copy_note;\w*malloc$/), "3,000");
    const leaked = await rows(/copy_note\d/);
    assert.ok(
      leaked.some(([stack, count]) => /;read_order;copy_note$/.test(stack!) && count === "60"),
      leaked.join("\n"),
    );
    const classes = await rows(/1,000 items or more/);
    assert.deepEqual(
      classes.map((row) => row.join(" ")).map((row) => /^(fewer 2,940|1,000 items or more 60) /.test(row)),
      [true, true],
    );
  },
});
