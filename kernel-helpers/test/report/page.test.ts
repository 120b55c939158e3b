/// <reference lib="dom" />
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { hostname, release } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { table as makeTable } from "arquero";
import { launchChromium } from "../browser/chromium.js";
import { outsideLoads } from "../../dist/report/html-page.js";
import { markCapture } from "../../dist/streams/capture.js";
import { save } from "../../dist/tables/capture-file.js";
import { directory, notebook, report } from "./notebook.js";

test("a notebook becomes a page with its charts that loads nothing and runs nothing of a cell's", async () => {
  const source = await notebook("tiny.ipynb", [
    'import { aq, charts } from "kernel-helpers";',
    "charts.histogram(aq.table({ duration_ns: [100, 200, 400, 800] }), { x: 'duration_ns' })",
    "'<img src=x onerror=\"document.title = 1\">'",
    "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<link rel=stylesheet href=\"http://127.0.0.1:9/sheet.css\"><script>document.title = 2</script>' }) })",
  ]);
  const untouched = await readFile(source, "utf8");
  const page = join(directory, "tiny.html");
  const result = await report(source, "-o", page);
  assert.equal(result.exitCode, 0, result.stderr);
  assert.match(result.stdout, /✓ .*tiny\.ipynb → .*tiny\.html/);
  assert.equal(await readFile(source, "utf8"), untouched);
  const html = await readFile(page, "utf8");
  assert.deepEqual(outsideLoads(html), ["http://127.0.0.1:9/sheet.css"], "only what the last cell wrote itself");

  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    const answered: string[] = [];
    tab.on("response", (response) => answered.push(response.url()));
    const refused: string[] = [];
    tab.on("requestfailed", (request) => refused.push(`${request.url()} ${request.failure()?.errorText}`));
    await tab.goto(pathToFileURL(page).href);
    assert.deepEqual(answered, [pathToFileURL(page).href]);
    assert.deepEqual(refused, ["http://127.0.0.1:9/sheet.css csp"], "the page's own policy refuses it");
    assert.equal(await tab.title(), "About tiny.ipynb");
    const chart = tab.locator(".vega-embed svg.marks");
    await chart.waitFor();
    const box = await chart.boundingBox();
    assert.ok(box && box.width > 200 && box.height > 100, "the chart is drawn");
    assert.ok((await chart.locator("path").count()) > 4, "with marks in it");
    assert.equal(await tab.locator(".bpflab-still").count(), 0, "in place of the still picture");
    await chart.locator('[aria-roledescription="rect mark container"] path, .mark-rect path').first().hover();
    await tab.locator("#vg-tooltip-element.visible").waitFor();
    assert.match(await tab.locator("body").innerText(), /<img src=x onerror="document.title = 1">/);
  } finally {
    await browser.close();
  }
});

test("a file name that is markup, terminal sequences, a line break and long stays text, in the log, the title and on the cover", async () => {
  const name = `a'"<img src=x onerror="document.title=1">\n\u001b[31mred&amp;${"y".repeat(130)}`;
  const source = join(directory, `${name}.ipynb`);
  const made = JSON.parse(await readFile(await notebook("named.ipynb", ["1 + 1"]), "utf8")) as { cells: unknown[] };
  made.cells.shift(); // so that the page is called as its file is
  await writeFile(source, JSON.stringify(made));
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 0, result.stderr);
  assert.ok(!result.stdout.includes("\u001b[31mred"), "no sequence reaches the terminal");
  assert.match(result.stdout, /onerror="document\.title=1">\\x0a\\x1b\[31mred/);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(pathToFileURL(join(directory, `${name}.html`)).href);
    // The title of a tab is without control characters.
    const plain = (text: string | null) => text!.replaceAll("\u001b", "").replaceAll(/\s+/g, " ");
    assert.equal(plain(await tab.title()), plain(name));
    assert.equal(plain(await tab.locator("h1").textContent()), plain(name));
    assert.equal(await tab.locator("img[src=x]").count(), 0);
  } finally {
    await browser.close();
  }
});

test("each chart of a page has its own clips and gradients, still or drawn anew", async () => {
  const heat = "charts.heatmap(aq.table({ start_ns: [1, 2e6, 3e6], duration_ns: [10, 10, 20000] }))";
  const source = await notebook("gradients.ipynb", ['import { aq, charts } from "kernel-helpers";', heat, heat]);
  assert.equal((await report(source, "-o", directory)).exitCode, 0);
  const page = join(directory, "gradients.html");
  const ids = [...(await readFile(page, "utf8")).matchAll(/ id="([^"]*(?:clip|gradient_)\d+)"/g)].map(
    (match) => match[1],
  );
  assert.ok(ids.length >= 4, "stills with clips and gradients");
  assert.equal(new Set(ids).size, ids.length);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(pathToFileURL(page).href);
    await tab.locator(".vega-embed svg.marks").nth(1).waitFor();
    const own = await tab
      .locator(".vega-embed svg.marks")
      .evaluateAll((charts) =>
        charts.map((chart) =>
          Array.from(
            chart.querySelectorAll("[fill^='url(']"),
            (element) =>
              document.getElementById(/#(.*)\)$/.exec(element.getAttribute("fill")!)![1]!)?.closest("svg") === chart,
          ),
        ),
      );
    assert.deepEqual(own, [[true], [true]]);
  } finally {
    await browser.close();
  }
});

test("without scripts the charts are still pictures, and the code folds all the same", async () => {
  const source = await notebook("plain.ipynb", [
    'import { aq, charts } from "kernel-helpers";',
    "charts.bar(aq.table({ name: ['a', 'b'], n: [1, 2] }), { x: 'name', y: 'n' })",
  ]);
  assert.equal((await report(source, "-o", directory)).exitCode, 0);
  const browser = await launchChromium();
  try {
    const tab = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await tab.goto(pathToFileURL(join(directory, "plain.html")).href);
    const box = await tab.locator(".bpflab-still svg").boundingBox();
    assert.ok(box && box.width > 200 && box.height > 50);
    assert.ok(await tab.locator(".jp-InputArea").nth(1).isVisible());
    await tab.locator(".bpflab-button").click();
    assert.ok(await tab.locator(".jp-InputArea").nth(1).isHidden());
  } finally {
    await browser.close();
  }
});

test("a chart can be zoomed, a legend's entry clicked, and the cover says where, what and how much was lost", async () => {
  const strange = "<i id=markup>";
  const source = await notebook("cover.ipynb", [
    `import { bpf, charts, collect } from "kernel-helpers";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
const scratch = mkdtempSync("/tmp/bpflab-cover-");
const names = [${JSON.stringify(strange)}, "<img src=x onerror=alert(1)>"];
for (const name of names) symlinkSync("/bin/dd", scratch + "/" + name);
const ringbuf = await bpf.load("ringbuf");
await ringbuf.attach();
const stats = await bpf.load("stats", { globals: { every_n: 1 } });
await stats.attach();
const written = new Promise<void>((resolve) => setTimeout(() => {
  for (const name of names) execFileSync(scratch + "/" + name, ["if=/dev/zero", "of=/dev/null", "bs=1", "count=20"], { stdio: "ignore" });
  resolve();
}));
const [writes] = await Promise.all([collect(ringbuf.events("rb"), { until: written }), collect(stats.events("rb"), { until: written })]);
rmSync(scratch, { recursive: true });`,
    "const some = writes.filter((write) => write.ret === 1 && write.fd === 1); some",
    'charts.histogram(some, { x: "duration_ns", by: "comm" })',
  ]);
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 0, result.stderr);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(pathToFileURL(join(directory, "cover.html")).href);
    const cover = await tab.locator(".bpflab-cover").innerText();
    assert.match(cover, /^About cover\.ipynb\s+See the docs\.\s/);
    assert.equal(
      await tab.locator("h1:visible, p:visible", { hasText: /^About cover|^See the docs/ }).count(),
      2,
      "the title and what follows it are not said twice",
    );
    assert.ok(cover.includes(hostname()) && cover.includes(release()), cover);
    assert.match(cover, /2 captures, no event lost/);
    const account = await tab.locator(".bpflab-account tbody tr").allTextContents();
    assert.deepEqual(
      account.map((row) => /^[a-z.]+/.exec(row)![0]),
      ["ringbuf.rb", "stats.rb"],
      "two that began in the same second",
    );

    const chart = tab.locator(".vega-embed svg.marks");
    await chart.waitFor();
    assert.ok((await chart.textContent())!.includes(strange), "text in the chart");
    assert.ok((await tab.locator(".bpflab-table").first().innerText()).includes(strange), "text in the table");
    assert.equal(await tab.locator('#markup, img[src="x"]').count(), 0);
    const before = await tab.locator(".role-axis-label").first().textContent();
    await chart.locator(".mark-rect path").first().hover({ force: true });
    await tab.keyboard.down("Shift");
    for (let tries = 0; (await tab.locator(".role-axis-label").first().textContent()) === before; tries++) {
      assert.ok(tries < 50, "Shift and the wheel zoom");
      await tab.mouse.wheel(0, -300);
      await tab.waitForTimeout(100);
    }
    await tab.keyboard.up("Shift");

    const marks = () => chart.locator(".mark-rect path").evaluateAll((all) => all.map((mark) => mark.outerHTML).join());
    const all = await marks();
    await chart.locator(".role-legend-symbol path").first().click({ force: true });
    for (let tries = 0; (await marks()) === all; tries++) {
      assert.ok(tries < 50, "clicking the legend changes the marks");
      await tab.waitForTimeout(100);
    }
  } finally {
    await browser.close();
  }
});

test("a report of a capture says on which machine that was made", async () => {
  const file = join(directory, "elsewhere.parquet");
  const account = {
    source: "events",
    rows: 3,
    lost: 2,
    dropped: 0,
    startedAt: Date.UTC(2026, 0, 2),
    endedAt: Date.UTC(2026, 0, 2) + 1000,
    host: "other <b>host",
    kernel: "Linux 5.15.0-of-the-other",
  };
  await save(markCapture(makeTable({ duration_ns: Float64Array.of(1, 2, 3) }), account), file);
  const source = await notebook("elsewhere.ipynb", [
    `import { capture, charts } from "kernel-helpers";\nconst writes = await capture.open(${JSON.stringify(file)});`,
    'charts.histogram(writes, { x: "duration_ns" })',
  ]);
  assert.equal((await report(source, "-o", directory)).exitCode, 0);
  const page = await readFile(join(directory, "elsewhere.html"), "utf8");
  assert.match(
    page,
    /1 capture, 2 events are missing[\s\S]*<td>[^<]*<\/td><td>2026-01-02 00:00:00 UTC<\/td><td>other &lt;b&gt;host, Linux 5\.15\.0-of-the-other<\/td><td>3<\/td><td>2<\/td>/,
  );
  assert.match(page, /2026-01-02T00:00Z · Linux 5\.15\.0-of-the-other · 3 events, 2 lost/);
});

test("a page is printed to a PDF", async () => {
  const source = await notebook("print.ipynb", ["1"]);
  const result = await report(source, "-o", directory, "--pdf");
  assert.equal(result.exitCode, 0, result.stderr);
  assert.equal((await readFile(join(directory, "print.pdf"))).subarray(0, 5).toString(), "%PDF-");
});
