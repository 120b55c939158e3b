import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { outsideLoads } from "../../dist/report/html.js";
import { Lab } from "./lab.js";
import { assertDrawn } from "./notebook-page.js";
import { WHOLE, wholeNotebooks } from "./whole-notebook.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

const { open, saveWithoutErrors, close } = wholeNotebooks(() => lab);

test("01-minimal runs from top to bottom, and its table can be read", async () => {
  const notebook = await open("01-minimal.ipynb");
  await notebook.runAll();
  await saveWithoutErrors(notebook);
  const table = notebook.outputs.locator(".bpflab-table table").first();
  const heads = await table.locator("thead th").evaluateAll((all) => all.map((head) => head.firstChild!.textContent));
  assert.deepEqual(heads.slice(0, 5), ["comm", "pid", "cpu", "timestamp_ns", "message"]);
  const rows = await table.locator("tbody tr").allInnerTexts();
  assert.ok(rows.length >= 5);
  for (const row of rows) assert.match(row, /^sh\t\d+\t\d+\t\d+\.\d{6}\t/);
  await close(notebook);
});

test("02-hashmap runs from top to bottom and draws its chart", async () => {
  const notebook = await open("02-hashmap.ipynb");
  await notebook.runAll();
  await saveWithoutErrors(notebook);
  assert.equal(await notebook.charts.count(), 1);
  await assertDrawn(notebook.charts.first());
  await close(notebook);
});

test("03-ringbuf draws its charts, the live one only while its cell runs; what was saved comes back", async () => {
  const notebook = await open("03-ringbuf.ipynb");
  const live = notebook.panel.locator(".jp-CodeCell", { hasText: "charts.live(" });
  const frames = notebook.framesWhileRunning(live);
  await notebook.runAll();
  assert.ok((await frames) >= 4, `the live view showed ${await frames} frames`);
  assert.equal(await notebook.framesWithin(live, 1500), 1, "and stands still after its cell");
  await saveWithoutErrors(notebook);

  const page = await notebook.exportHtml();
  assert.ok(page.length < 3e6, `an exported page of ${page.length} bytes`);
  assert.deepEqual(outsideLoads(page), []);
  assert.match(page, /<header class="bpflab-cover">\s*<h1>3 · Every write of the machine<\/h1>/);
  assert.match(page, /4 captures, [\d,]+ events are missing/);
  const file = join(lab.directory, "exported.html");
  await writeFile(file, page);
  const tab = await lab.newPage();
  await tab.goto(pathToFileURL(file).href);
  await tab.locator(".vega-embed svg.marks").nth(5).waitFor();
  await tab.close();

  const count = await notebook.charts.count();
  assert.equal(count, 6);
  for (const chart of await notebook.charts.all()) await assertDrawn(chart);
  const tables = await notebook.outputs.locator(".bpflab-table").allInnerTexts();
  const saved = await lab.saved(notebook.name);
  await close(notebook);

  const again = await lab.open(notebook.name, { height: WHOLE });
  await again.charts.nth(count - 1).waitFor();
  assert.equal(await again.charts.count(), count);
  for (const chart of await again.charts.all()) await assertDrawn(chart);
  assert.deepEqual(await again.outputs.locator(".bpflab-table").allInnerTexts(), tables);
  await again.theme("dark");
  await again.picture("03-ringbuf-dark");
  assert.deepEqual(await lab.saved(notebook.name), saved);
  await close(again);
});
