import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("11-disk", {
  /** Each operation of the work is found on the device that it was done to. */
  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 3);
    const kinds = notebook.outputs.locator(".bpflab-table", { hasText: "kind" }).first();
    const counts = new Map(
      (await kinds.locator("tbody tr").allInnerTexts()).map((row) => {
        const [, kind, count] = /^(\S+ \S+)\s+([\d,]+)\s/.exec(row)!;
        return [kind!.replace(/^loop\d+/, "loop"), Number(count!.replaceAll(",", ""))] as const;
      }),
    );
    assert.ok(counts.get("loop read")! >= 2000 && counts.get("loop write")! >= 1000, JSON.stringify([...counts]));
    assert.ok(counts.get("loop flush")! >= 48, JSON.stringify([...counts]));
    assert.equal(counts.get("loop discard"), 1);
  },
});
