/// <reference lib="dom" />
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

/** Waits until a flame graph has so many boxes at the two ends of its row above the lowest. */
const waitForBoxes = async (canvas: Locator, boxes: 1 | 2): Promise<unknown> =>
  canvas.page().waitForFunction(
    ([element, count]) => {
      const { width, height, offsetHeight } = element as HTMLCanvasElement;
      const at = (share: number) => (element as HTMLCanvasElement).getContext("2d")!.getImageData(width * share, height - (31 * height) / offsetHeight, 1, 1).data.join(); // prettier-ignore
      return new Set([at(0.08), at(0.97)]).size === count;
    },
    [await canvas.elementHandle(), boxes] as const,
  );

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
  // From below: all, then idle and main, then read and write, as wide as their shares.
  await waitForBoxes(canvas, 2);
  await canvas.click({ position: { x: width * 0.3, y: tall - 48 } });
  await waitForBoxes(canvas, 1);
  await canvas.dblclick({ position: { x: width * 0.3, y: tall - 14 } });
  await waitForBoxes(canvas, 2);
  await notebook.close();
  await lab.shutdownKernels();
});
