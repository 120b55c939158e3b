/** The two analysis notebooks. What they answer is computed, so that it can be held against what is known of their workload. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Lab } from "./lab.js";
import { assertDrawn, type NotebookPage } from "./notebook-page.js";
import { wholeNotebooks } from "./whole-notebook.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

const { open, saveWithoutErrors, close } = wholeNotebooks(() => lab);

/** The answers that a report's notebook writes at its top when all has run: question by question. */
async function answersOf(notebook: NotebookPage): Promise<Map<string, string>> {
  const table = notebook.outputs.locator(".bpflab-table").first();
  await table.locator("tbody tr").nth(1).waitFor();
  const rows = await table.locator("tbody tr").evaluateAll((all) => all.map((row) => Array.from(row.querySelectorAll("td"), (cell) => cell.textContent ?? "")));
  return new Map(rows as [string, string][]);
}

test("06-write-latency-report finds its own writers, lists outliers with what ran then, and compares", async () => {
  const notebook = await open("06-write-latency-report.ipynb");
  await notebook.runAll(120_000);
  await saveWithoutErrors(notebook);
  assert.equal(await notebook.charts.count(), 9);
  for (const chart of await notebook.charts.all()) await assertDrawn(chart);
  const answers = await answersOf(notebook);
  assert.equal(answers.size, 10);
  assert.match(answers.get("How much was seen?")!, /^[\d,]+ writes in 3\.\d s; /);
  assert.match(answers.get("And compared with before?")!, /^p99 of all writes: .+ → .+, × [\d.,]+$/);
  const tables = await notebook.outputs.locator(".bpflab-table").allInnerTexts();
  const [, accounts, byProcess, byFile, bySize, outliers, meanwhile, , changed, cost] = tables;
  assert.deepEqual(accounts!.match(/^(before|after|slices)\b/gm), ["before", "after", "slices"]);
  for (const name of ["ticker", "logger", "backup", "database", "archive"]) assert.ok(byProcess!.includes(name), name);
  for (const file of ["/dev/null", "app.log", "backup.img", "table.db", "archive.tar"]) assert.ok(byFile!.includes(file), file);
  for (const size of ["1 to <16 B", "16 to <256 B", "4 to <64 KiB", "64 KiB to <1 MiB", "1 MiB or more"]) assert.ok(bySize!.includes(size), size);
  assert.match(outliers!, /10 rows × 8 columns/);
  assert.match(meanwhile!, /on_cpu_ns[\s\S]*ran_then[\s\S]*wrote_then[\s\S]*10 rows × 6 columns/);
  assert.match(changed!, /^archive\t\t[\d,.]+\t\t\t[\d,.]+\t$/m, "which only the second capture has");
  assert.deepEqual(cost!.match(/^(handle_enter|handle_exit|on_switch)\b/gm), ["handle_enter", "handle_exit", "on_switch"]);
  await close(notebook);
});

test("07-icmp-flood-report counts as many replies as each threshold allows", async () => {
  const notebook = await open("07-icmp-flood-report.ipynb");
  await notebook.runAll(120_000);
  await saveWithoutErrors(notebook);
  assert.equal(await notebook.charts.count(), 5);
  for (const chart of await notebook.charts.all()) await assertDrawn(chart);
  assert.equal((await answersOf(notebook)).get("And with thresholds of 10 · 100 · 1000?"), "10 · 100 · 1,000 replies");
  const table = notebook.outputs.locator(".bpflab-table", { hasText: "dropped" }).first();
  const rows = await table.locator("tbody tr").evaluateAll((all) => all.map((row) => Array.from(row.querySelectorAll("td"), (cell) => cell.textContent!.replaceAll(",", ""))));
  for (const [phase, sent, passed, dropped, replies] of rows.slice(1)) {
    const threshold = /\d+$/.exec(phase!)![0];
    assert.deepEqual([passed, replies, Number(dropped)], [threshold, threshold, Number(sent) - Number(threshold)], phase);
  }
  assert.equal(rows.length, 4);
  await close(notebook);
});
