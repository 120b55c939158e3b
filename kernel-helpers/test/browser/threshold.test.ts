import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Locator } from "playwright-core";
import { Lab } from "./lab.js";
import { assertDrawn, type NotebookPage } from "./notebook-page.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

const SENT = 60;
const FILTER = `import { aq, bpf, charts, net, widgets } from "kernel-helpers";
const hosts = await net.playground({ peers: 1 });
const filter = await bpf.load("tc_icmp_filter");
await filter.attach({ interface: hosts.interface, direction: "ingress" });`;
const THRESHOLD = "filter.globals.threshold = 10;";
const SLIDER = 'widgets.bind(filter.globals, "threshold", { min: 1, max: 50 })';
const CHART = `net.release(filter, hosts.peers[0].ipv4);
const { received } = await hosts.peers[0].ping({ count: ${SENT}, intervalMs: 5 });
console.log(\`\${received} of ${SENT}, threshold \${filter.globals.threshold}\`);
charts.bar(aq.table({ fate: ["answered", "dropped"], requests: [received, ${SENT} - received] }), { x: "fate", y: "requests" })`;

const pixels = (chart: Locator) => chart.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());

/** Runs the last cell, and gives the threshold that it says; as many were answered. */
async function flood(notebook: NotebookPage): Promise<number> {
  await notebook.run(3);
  const said = /(\d+) of \d+, threshold (\d+)/.exec(await notebook.output(3).first().innerText());
  assert.ok(said);
  assert.equal(said[1], said[2], "as many are answered as the threshold says");
  await assertDrawn(notebook.cell(3).locator("canvas.marks"));
  return Number(said[2]);
}

test("the filter's threshold, edited in its cell or moved by a slider, changes the next chart", async () => {
  const notebook = await lab.open(await lab.write("threshold.ipynb", [FILTER, THRESHOLD, SLIDER, CHART]), {
    height: 1400,
  });
  await notebook.runAll();
  const chart = notebook.cell(3).locator("canvas.marks");
  assert.equal(await flood(notebook), 10);
  const ten = await pixels(chart);

  await notebook.replace(1, "filter.globals.threshold = 25;");
  await notebook.run(1);
  assert.equal(await flood(notebook), 25);
  const twentyFive = await pixels(chart);
  assert.notEqual(twentyFive, ten);

  const readout = notebook.cell(2).locator(".widget-readout");
  await readout.filter({ hasText: /^25$/ }).waitFor(); // it follows the cell
  const slider = notebook.cell(2).locator(".widget-slider");
  const [handle, track] = [
    (await slider.locator(".noUi-handle").boundingBox())!,
    (await slider.locator(".noUi-target").boundingBox())!,
  ];
  const { mouse } = notebook.page;
  await mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
  await mouse.down();
  await mouse.move(track.x + track.width * 0.8, track.y + track.height / 2, { steps: 10 });
  await mouse.up();
  const moved = Number(await readout.innerText());
  assert.ok(moved > 30 && moved < 50, `the slider at four fifths says ${moved}`);
  assert.equal(await flood(notebook), moved);
  assert.notEqual(await pixels(chart), twentyFive);
  await notebook.picture("threshold");
  await notebook.close();
  await lab.shutdownKernels();
});
