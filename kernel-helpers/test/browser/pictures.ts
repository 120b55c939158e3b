/// <reference lib="dom" />
/**
 * The pictures of the README, from the real thing, and of all report pages, to be looked at. Run by `npm run pictures`;
 * with the word `readme` or `pages` only these.
 */
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import { firstNotebook } from "../readme.js";
import { Lab } from "./lab.js";
import { pagePictures } from "./page-pictures.js";
import type { NotebookPage } from "./notebook-page.js";

const target = fileURLToPath(new URL("../../pictures/", import.meta.url));

/** JupyterLab without its side bars, for what matters to be large. */
async function openWide(lab: Lab, name: string, cells: string[], height: number): Promise<NotebookPage> {
  const notebook = await lab.open(await lab.write(name, cells), { height });
  await notebook.page.keyboard.press("Control+b");
  await notebook.page.locator("#jp-left-stack").waitFor({ state: "hidden" });
  return notebook;
}

/** C in one cell, TypeScript in the next, a chart below. */
async function notebookPicture(lab: Lab): Promise<void> {
  const notebook = await openWide(lab, "opens.ipynb", firstNotebook().slice(0, 2), 1100);
  await notebook.runAll();
  await notebook.charts.first().waitFor();
  await notebook.cell(0).locator(".cm-content").click(); // to the top
  await notebook.page.screenshot({ path: join(target, "notebook.png") });
  await notebook.close();
}

/** A slider that moves the running filter, and what became of a flood. */
async function sliderPicture(lab: Lab): Promise<void> {
  const notebook = await openWide(
    lab,
    "flood.ipynb",
    [
      `import { bpf, charts, net, widgets } from "kernel-helpers";
const lab = await net.playground({ peers: 3 });
const filter = await bpf.load("tc_icmp_filter", { globals: { threshold: 60 } });
await filter.attach({ interface: lab.interface, direction: "ingress" });
filter.globals.mode`,
      'widgets.bind(filter.globals, "threshold", { min: 1, max: 100 })',
      `const flood = () => Promise.all(lab.peers.map((peer, i) => peer.ping({ count: 40 * 4 ** i, intervalMs: 100 / 4 ** i })));
const seen = await net.sample(filter, { until: flood });
const fates = seen.fold(["passed", "dropped"], { as: ["fate", "requests"] });
charts.timeline(fates, { x: "time_ns", weight: "requests", by: "fate", every: 0.2, height: 200, title: "Pings, passed and dropped" })`,
      "net.peers(filter)",
    ],
    900,
  );
  await notebook.runAll();
  await notebook.charts.first().waitFor();
  await notebook.cell(0).locator(".cm-content").click();
  await notebook.page.screenshot({ path: join(target, "slider.png") });
  await notebook.close();
}

/** A report of every write of the machine, as it is handed on. */
async function reportPicture(lab: Lab): Promise<void> {
  const notebook = await lab.open(await lab.copy("03-ringbuf.ipynb"), { height: 14_000 });
  await notebook.runAll(240_000);
  await notebook.save();
  const file = join(lab.directory, "report.html");
  await writeFile(file, await notebook.exportHtml());
  const page = await lab.newPage();
  await page.setViewportSize({ width: 1000, height: 900 });
  await page.goto(pathToFileURL(file).href);
  await page.locator(".vega-embed svg.marks").nth(5).waitFor();
  await page.locator(".bpflab-button").click();
  await page.evaluate(() =>
    document.querySelectorAll(".jp-Cell").forEach((cell) => cell.querySelector(".vega-embed") ?? cell.remove()),
  );
  await page.screenshot({ path: join(target, "report.png") });
  await page.close();
  await notebook.close();
}

/** The README's. */
async function readmePictures(): Promise<void> {
  await mkdir(target, { recursive: true });
  const lab = await Lab.start();
  try {
    for (const make of [notebookPicture, sliderPicture, reportPicture]) {
      await make(lab);
      await lab.shutdownKernels();
    }
  } finally {
    await lab.close();
  }
  for (const name of ["notebook", "slider", "report"])
    console.log(`✓ ${name}.png, ${Math.ceil((await stat(join(target, `${name}.png`))).size / 1000)} kB`);
}

/** Those of the pages that all shipped notebooks make, in `reports/pictures`. */
async function reportPictures(): Promise<void> {
  const reports = fileURLToPath(new URL("../../../reports/pictures/", import.meta.url));
  const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
  const { exitCode } = await execa(process.execPath, [bpflab, "report", "-o", reports], {
    stdio: "inherit",
    reject: false,
  });
  process.exitCode = exitCode; // a notebook that failed has a page all the same
  const pages = (await readdir(reports)).filter((name) => name.endsWith(".html")).map((name) => join(reports, name));
  console.log(`✓ ${await pagePictures(pages, reports)} pictures of ${pages.length} pages in ${reports}`);
}

const makers = { readme: readmePictures, pages: reportPictures };
const wanted = process.argv.slice(2);
for (const [name, make] of Object.entries(makers)) if (wanted.length === 0 || wanted.includes(name)) await make();
