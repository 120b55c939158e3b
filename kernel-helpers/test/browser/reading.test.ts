import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Locator } from "playwright-core";
import { Lab } from "./lab.js";
import { assertDrawn } from "./notebook-page.js";

const ROWS = 60;
const TABLE = `import { aq, charts } from "kernel-helpers";
const rows = Array.from({ length: ${ROWS} }, (_, i) => i);
aq.table({ name: rows.map((i) => "p" + i), duration_ns: rows.map((i) => (i * 7919) % ${ROWS} * 10 ** (i % 5)) })`;
const GRAPH = `charts.flamegraph(aq.table({ stack: ["main;read;copy", "main;read;wait", "main;write", "idle"], count: [30, 20, 40, 10] }))`;

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

const picture = (canvas: Locator) => canvas.evaluate((element: HTMLCanvasElement) => element.toDataURL());

/** Waits until a chart shows something else; returns that. */
async function changed(canvas: Locator, before: string): Promise<string> {
  const handle = await canvas.elementHandle();
  await canvas.page().waitForFunction(([element, old]) => (element as HTMLCanvasElement).toDataURL() !== old, [handle, before] as const); // prettier-ignore
  return picture(canvas);
}

test("in JupyterLab a table scrolls to its end and sorts by its headings, and a flame graph is clicked into and out of", async () => {
  const notebook = await lab.open(await lab.write("reading.ipynb", [TABLE, GRAPH]), { height: 1600 });
  await notebook.runAll();

  const table = notebook.cell(0).locator(".bpflab-table");
  const column = (index: number) => table.locator(`tbody td:nth-child(${index})`);
  assert.equal(await column(1).count(), ROWS);
  const box = table.locator(".rows");
  const [height, whole] = await box.evaluate((element) => [element.clientHeight, element.scrollHeight] as const);
  assert.ok(height < whole, `${height} of ${whole} pixels are seen at once`);
  await column(1).last().scrollIntoViewIfNeeded();
  assert.ok((await box.evaluate((element) => element.scrollTop)) > 0);
  const heading = table.locator("th").nth(1);
  assert.ok(await heading.evaluate((element) => element.getBoundingClientRect().top >= element.closest(".rows")!.getBoundingClientRect().top - 1), "the headings stay"); // prettier-ignore

  const inNanoseconds = async () => (await column(2).evaluateAll((cells) => cells.map((cell) => cell.getAttribute("title")))).map((title) => Number.parseFloat(title!.replaceAll(",", ""))); // prettier-ignore
  const falling = (await inNanoseconds()).sort((a, b) => b - a);
  assert.ok(new Set(falling).size > ROWS / 2);
  await heading.click();
  assert.deepEqual(await inNanoseconds(), falling, "by their size, whatever unit they are written in");
  await heading.click();
  assert.deepEqual(await inNanoseconds(), [...falling].reverse());
  await table.locator("th").first().press("Enter");
  const names = await column(1).allInnerTexts();
  assert.deepEqual(
    names,
    [...names].sort((a, b) => a.localeCompare(b)),
  );
  assert.equal(await notebook.cell(0).locator(".jp-InputArea-prompt").innerText(), "[1]:", "the key ran no cell");

  const canvas = notebook.cell(1).locator("canvas.marks");
  await assertDrawn(canvas);
  const { width, height: tall } = (await canvas.boundingBox())!;
  const all = await picture(canvas);
  // From below: all, then main and idle, then read and write, as wide as their shares.
  await canvas.click({ position: { x: width * 0.3, y: tall - 2.5 * 17 } });
  const inside = await changed(canvas, all);
  await canvas.dblclick({ position: { x: width * 0.3, y: tall - 12 } });
  await changed(canvas, inside);
  await notebook.page.waitForFunction(([element, before]) => (element as HTMLCanvasElement).toDataURL() === before, [await canvas.elementHandle(), all] as const); // prettier-ignore
  await notebook.close();
  await lab.shutdownKernels();
});
