/// <reference lib="dom" />
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { table as makeTable } from "arquero";
import { launchChromium } from "../browser/chromium.js";
import { outsideLoads } from "../../dist/report/html-page.js";
import { markCapture } from "../../dist/streams/capture.js";
import { save } from "../../dist/tables/capture-file.js";
import { writes } from "../tables/events.js";
import { directory, report } from "./notebook.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** A red pixel. */
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const longC = Array.from({ length: 30 }, (_, i) => `int line_${i};`).join("\n");

let browser: Browser;
let page: string;

/** A page with one of everything, for all tests of this file. */
before(async () => {
  browser = await launchChromium();
  await writeFile(join(directory, "pixel.png"), Buffer.from(picture, "base64"));
  const file = join(directory, "captured.parquet");
  const startedAt = Date.UTC(2026, 0, 2);
  const account = { source: "rb", rows: 2000, lost: 3, dropped: 0, startedAt, endedAt: startedAt + 2000, host: "there", kernel: "Linux 6.6.0" }; // prettier-ignore
  await save(
    markCapture(makeTable(writes(2000).select("start_ns", "duration_ns", "comm", "fd").data()), account),
    file,
  );
  const wide = Array.from({ length: 40 }, (_, i) => `column_${i}: ["value of ${i}"]`).join(", ");
  const middling = Array.from({ length: 14 }, (_, i) => `middling_${i}: Array(5).fill("value ${i}")`).join(", ");
  const cells: [kind: string, source: string, tags?: string[]][] = [
    ["markdown", "# What readers see\n\nA page with *everything*: $t_{99} \\le 5$.\n\nAnd $$\\sum_{i=1}^n x_i$$"],
    ["code", "const threshold = 50;", ["parameters"]],
    ["code", `import { aq, capture, charts, latency } from "kernel-helpers";\nconst events = await capture.open(${JSON.stringify(file)});\nevents`],
    ["markdown", "## Pictures\n\n![a red pixel](pixel.png) ![of <elsewhere>](https://example.org/far.png?a=1&b=2) <img src='missing.png'>\n\n```c\n" + longC + "\n```"],
    ["markdown", "## A heading at the end of its cell"],
    ["code", 'charts.histogram(events, { x: "duration_ns", by: "comm" })'],
    ["code", "charts.heatmap(events, { xBins: 20, yBins: 12 })"],
    ["code", 'charts.timeline(events, { by: "comm", stack: false, rules: [{ value: 500, label: "a limit" }], marks: [{ at: 3601e9, label: "a moment" }] })'],
    ["code", 'charts.flamegraph(aq.table({ stack: ["main;read;copy", "main;write", "idle"], count: [5, 3, 2] }))'],
    ["code", "aq.table({ n: Array.from({ length: 22 }, (_, i) => (7 * i) % 22), duration_ns: Array.from({ length: 22 }, (_, i) => 10 ** (i / 3)) })"],
    ["code", `aq.table({ ${wide} })`],
    ["code", `aq.table({ ${middling} })`],
    ["code", `console.log(${JSON.stringify(Array.from({ length: 50 }, (_, i) => `printed ${i}`).join("\n"))})`],
  ]; // prettier-ignore
  const notebook = {
    cells: cells.map(([cell_type, source, tags]) => ({
      cell_type,
      metadata: tags ? { tags } : {},
      source,
      ...(cell_type === "code" ? { execution_count: null, outputs: [] } : {}),
    })),
    metadata: { kernelspec: { name: "bpflab", display_name: "bpflab", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 4,
  };
  const source = join(directory, "readers.ipynb");
  await writeFile(source, JSON.stringify(notebook));
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 0, result.stderr);
  page = join(directory, "readers.html");
});
after(() => browser?.close());

/** The page in a tab of its own, its charts drawn. */
async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  const tab = await context.newPage();
  await tab.goto(pathToFileURL(page).href);
  if (options.javaScriptEnabled !== false) await tab.locator(".vega-embed svg.marks[role=img]").nth(3).waitFor();
  return tab;
}

const close = (tab: Page) => tab.context().close();

describe("who reads a page", () => {
  for (const [where, options] of [
    ["in the light", {}],
    ["in the dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: { width: 390, height: 844 } }],
  ] as const)
    test(`${where} meets no serious fault that axe knows`, async () => {
      const tab = await open({ bypassCSP: true, ...options });
      await tab.evaluate(axe);
      const { violations } = (await tab.evaluate("axe.run()")) as {
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      };
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(
        serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`),
        [],
      );
      await close(tab);
    });

  test("finds the language, the report's title, parameters apart from where and when, and no prompts", async () => {
    const tab = await open();
    assert.equal(await tab.locator("html").getAttribute("lang"), "en");
    assert.equal(await tab.title(), "What readers see");
    assert.equal(await tab.locator(".bpflab-parameters").innerText(), "threshold\n50");
    assert.match(await tab.locator(".bpflab-origin").innerText(), /^Host\n.*\nKernel\nLinux .*\nTime\n/);
    assert.doesNotMatch(await tab.locator("body").innerText(), /(In|Out)\s*\[/);
    await close(tab);
  });

  test("sees the dark that their system is set to, in the page and in its charts, with scripts and without", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const tab = await open({ colorScheme: "dark", javaScriptEnabled });
      const look = await tab.evaluate(() => {
        const style = (selector: string) => getComputedStyle(document.querySelector(selector)!);
        const chart = document.querySelector(".vega-embed, .bpflab-still")!.className.split(" ")[0];
        return {
          ground: style("body").backgroundColor,
          text: style(".jp-RenderedMarkdown p").color,
          title: style(`.${chart} .role-title-text text`).fill,
          label: style(`.${chart} .role-axis-label text`).fill,
          paper: style(`.${chart} svg > rect, .${chart} svg .background`).fill,
          behind: style(`.${chart} svg`).backgroundColor,
        };
      });
      const light = "rgb(224, 224, 224)";
      assert.ok(["none", "rgba(0, 0, 0, 0)"].includes(look.paper), look.paper);
      assert.deepEqual(
        { ...look, paper: "" },
        { ground: "rgb(21, 21, 21)", text: light, title: light, label: light, paper: "", behind: "rgba(0, 0, 0, 0)" },
      );
      await close(tab);
    }
  });

  test("on a phone never scrolls the page sideways, and reads charts in letters of full size", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const tab = await open({ viewport: { width: 390, height: 844 }, javaScriptEnabled });
      assert.ok((await tab.evaluate(() => document.documentElement.scrollWidth)) <= 390);
      const sizes = await tab
        .locator(".jp-RenderedSVG svg .role-axis-label text")
        .evaluateAll((texts) => texts.map((text) => text.getBoundingClientRect().height));
      assert.ok(sizes.length > 10 && Math.min(...sizes.filter(Boolean)) >= 10, `${Math.min(...sizes)} px`);
      if (javaScriptEnabled)
        assert.ok((await tab.locator(".vega-embed svg.marks").first().boundingBox())!.width <= 366);
      await close(tab);
    }
  });

  test("has formulas and pictures without a network, and no address outside of the page", async () => {
    const tab = await open();
    assert.equal(await tab.locator("math:visible").count(), 2);
    assert.equal(await tab.locator("math munderover, math mover, math msubsup").count(), 1);
    const image = tab.locator('img[alt="a red pixel"]');
    assert.ok((await image.evaluate((element) => (element as HTMLImageElement).naturalWidth)) === 1);
    assert.deepEqual(outsideLoads(await readFile(page, "utf8")), []);
    assert.equal(await tab.locator("img").count(), 1);
    assert.deepEqual(await tab.locator(".bpflab-left-out").allInnerTexts(), [
      "Picture left out: of <elsewhere> (this page loads nothing from elsewhere: https://example.org/far.png?a=1&b=2)",
      "Picture left out (no file missing.png was found)",
    ]);
    await close(tab);
  });

  test("finds long C folded, whichever way it was shown, and what else is long", async () => {
    const tab = await open({ javaScriptEnabled: false });
    const folded = tab.locator("details.bpflab-long");
    assert.deepEqual(await folded.locator("summary").allInnerTexts(), ["30 lines, folded", "50 lines, folded"]);
    assert.ok(await folded.first().locator("pre").isHidden());
    await folded.first().locator("summary").click();
    assert.match(await folded.first().innerText(), /int line_29;/);
    await close(tab);
  });

  test("scrolls a table to its end, and sorts it by what it shows", async () => {
    const tab = await open();
    const table = tab.locator(".bpflab-table", { hasText: "22 rows" });
    assert.equal(await table.locator("tbody tr").count(), 22);
    const column = (index: number) => table.locator(`tbody td:nth-child(${index})`).allInnerTexts();
    await table.locator("th").first().click();
    assert.deepEqual(
      (await column(1)).map(Number),
      Array.from({ length: 22 }, (_, i) => 21 - i),
    );
    await table.locator("th").first().press("Enter");
    assert.deepEqual(
      (await column(1)).map(Number),
      Array.from({ length: 22 }, (_, i) => i),
    );
    assert.equal(await table.locator("th").first().getAttribute("aria-sort"), "ascending");
    await table.locator("th").nth(1).click();
    const durations = await column(2);
    assert.equal(durations[0], "10.0 ms");
    assert.equal(durations.at(-1), "1 ns", "by their size, not by their digits");
    await close(tab);
  });

  test("clicks into a flame graph, and out of it", async () => {
    const tab = await open();
    const graph = tab.locator(".vega-embed").nth(3);
    const widths = () =>
      graph.locator(".mark-rect path").evaluateAll((boxes) => boxes.map((box) => Math.round(box.getBoundingClientRect().width))); // prettier-ignore
    const whole = await widths();
    assert.equal(whole.filter((width) => width === Math.max(...whole)).length, 1, "only all of it is as wide as all");
    const read = graph.locator(".mark-rect path").nth(whole.indexOf([...whole].sort((a, b) => b - a)[2]!));
    await read.click();
    await tab.waitForFunction(([element, before]) => element!.querySelectorAll(".mark-rect path").length < before, [
      await graph.elementHandle(),
      whole.length,
    ] as const);
    const inside = await widths();
    assert.ok(inside.filter((width) => width === Math.max(...inside)).length >= 2, inside.join());
    await graph.locator(".mark-rect path").first().dblclick();
    await tab.waitForFunction(([element, before]) => element!.querySelectorAll(".mark-rect path").length === before, [
      await graph.elementHandle(),
      whole.length,
    ] as const);
    await close(tab);
  });

  test("hears what a chart shows, from how many events, and how many are missing", async () => {
    const said = await (await open()).locator("svg.marks[role=img]").first().getAttribute("aria-label");
    assert.match(said!, /^Histogram of duration by comm\. .*2,000 events, 3 lost\. Values from .*Incomplete: of 2,003/);
    const still = await (
      await open({ javaScriptEnabled: false })
    )
      .locator("svg[role=img]")
      .first()
      .getAttribute("aria-label");
    assert.equal(still, said);
  });
});

describe("on paper", () => {
  for (const format of ["A4", "Letter"] as const)
    test(`of the size ${format} everything is there: wide tables whole, the account open, pages numbered`, async () => {
      const tab = await open({ colorScheme: "dark" });
      const pdf = join(directory, `${format}.pdf`);
      await tab.pdf({ path: pdf, format });
      const { stdout: text } = await execa("pdftotext", ["-layout", pdf, "-"]);
      for (let i = 0; i < 40; i++) assert.match(text, new RegExp(`column_${i}\\s+value of ${i}\\b`));
      for (let i = 0; i < 14; i++) assert.ok(text.includes(`middling_${i}`) && text.includes(`value ${i}`), `${i}`);
      assert.match(text, /rb\s+2026-01-02 00:00:00 UTC\s+there, Linux 6\.6\.0\s+2,000\s+3\s+0/);
      const pages = text.split("\f").filter((one) => one.trim() !== "");
      pages.forEach((one, i) => assert.ok(one.includes(`${i + 1} of ${pages.length}`), `page ${i + 1}`));
      const withHeading = pages.slice(1).find((one) => one.includes("A heading at the end of its cell"))!;
      assert.match(withHeading, /Histogram of duration by comm/, "a heading with what it heads");
      const { stdout: info } = await execa("pdfinfo", ["-f", "1", "-l", "99", pdf]);
      const sizes = [...info.matchAll(/Page +\d+ size: +([\d.]+) x ([\d.]+)/g)].map(([, width, height]) => Number(width) > Number(height)); // prettier-ignore
      assert.ok(
        sizes.includes(true) && sizes.includes(false),
        "the wide table's page is on its side, the others upright",
      );
      await close(tab);
    });
});
