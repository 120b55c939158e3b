import assert from "node:assert/strict";
import { answersOf, testNotebook } from "./shipped.js";

testNotebook("06-write-latency-report", {
  /** It finds its own writers, lists outliers with what ran then, and compares. */
  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 9);
    const answers = await answersOf(notebook);
    assert.equal(answers.size, 10);
    assert.match(answers.get("How much was seen?")!, /^[\d,]+ writes in 3\.\d s; /);
    assert.match(answers.get("And compared with before?")!, /^p99 of all writes: .+ → .+, × [\d.,]+$/);
    const tables = await notebook.outputs.locator(".bpflab-table").allInnerTexts();
    const [, accounts, byProcess, byFile, bySize, outliers, meanwhile, , changed, cost] = tables;
    assert.deepEqual(accounts!.match(/^(before|after|slices)\b/gm), ["before", "after", "slices"]);
    for (const name of ["ticker", "logger", "backup", "database", "archive"])
      assert.ok(byProcess!.includes(name), name);
    for (const file of ["/dev/null", "app.log", "backup.img", "table.db", "archive.tar"])
      assert.ok(byFile!.includes(file), file);
    for (const size of ["1 to <16 B", "16 to <256 B", "4 to <64 KiB", "64 KiB to <1 MiB", "1 MiB or more"])
      assert.ok(bySize!.includes(size), size);
    assert.match(outliers!, /10 rows × 8 columns/);
    assert.match(meanwhile!, /on_cpu[\s\S]*ran_then[\s\S]*wrote_then[\s\S]*10 rows × 6 columns/);
    assert.match(changed!, /^archive\t\t[\d,.]+\t\t\t([\d,.]+( [nµm]?s)?|–)\t$/m, "which only the second capture has");
    assert.deepEqual(cost!.match(/^(handle_enter|handle_exit|on_switch)\b/gm), [
      "handle_enter",
      "handle_exit",
      "on_switch",
    ]);
  },
});
