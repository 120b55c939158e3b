import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, release, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import { launchChromium } from "../browser/chromium.js";
import { outsideLoads } from "../../dist/report/html.js";

const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-report-test-"));
});
after(() => rm(directory, { recursive: true }));

/** Writes a notebook with these code cells after a heading; the tags are the first cell's. */
async function notebook(name: string, cells: string[], kernel = "bpflab", tags: string[] = []): Promise<string> {
  const file = join(directory, name);
  const code = cells.map((source, i) => ({ cell_type: "code", metadata: i === 0 ? { tags } : {}, execution_count: null, outputs: [], source }));
  const content = {
    cells: [{ cell_type: "markdown", metadata: {}, source: `# About ${name}\n\nSee [the docs](https://docs.example/).` }, ...code],
    metadata: { kernelspec: { name: kernel, display_name: kernel, language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  await writeFile(file, JSON.stringify(content));
  return file;
}

const report = (...args: string[]) => execa(process.execPath, [bpflab, "report", ...args], { reject: false });

test("a notebook becomes a page with its charts that loads nothing and runs nothing of a cell's", async () => {
  const source = await notebook("tiny.ipynb", [
    'import { aq, charts } from "kernel-helpers";',
    "charts.histogram(aq.table({ duration_ns: [100, 200, 400, 800] }), { x: 'duration_ns' })",
    "'<img src=x onerror=\"document.title = 1\">'",
    "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<img src=\"http://127.0.0.1:9/pixel.png\"><script>document.title = 2</script>' }) })",
  ]);
  const untouched = await readFile(source, "utf8");
  const page = join(directory, "tiny.html");
  const result = await report(source, "-o", page);
  assert.equal(result.exitCode, 0, result.stderr);
  assert.match(result.stdout, /✓ .*tiny\.ipynb → .*tiny\.html/);
  assert.equal(await readFile(source, "utf8"), untouched);
  const html = await readFile(page, "utf8");
  assert.deepEqual(outsideLoads(html), ["http://127.0.0.1:9/pixel.png"], "only what the last cell wrote itself");

  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    const answered: string[] = [];
    tab.on("response", (response) => answered.push(response.url()));
    const refused: string[] = [];
    tab.on("requestfailed", (request) => refused.push(`${request.url()} ${request.failure()?.errorText}`));
    await tab.goto(pathToFileURL(page).href);
    assert.deepEqual(answered, [pathToFileURL(page).href]);
    assert.deepEqual(refused, ["http://127.0.0.1:9/pixel.png csp"], "the page's own policy refuses it");
    assert.equal(await tab.title(), "tiny");
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

test("without scripts the charts are still pictures, and the code folds all the same", async () => {
  const source = await notebook("plain.ipynb", ['import { aq, charts } from "kernel-helpers";', "charts.bar(aq.table({ name: ['a', 'b'], n: [1, 2] }), { x: 'name', y: 'n' })"]);
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

test("a legend's entry can be clicked, and the cover says where, what and how much was lost", async () => {
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
    assert.match(cover, /^About cover\.ipynb/);
    assert.ok(cover.includes(hostname()) && cover.includes(release()), cover);
    assert.match(cover, /2 captures, no event lost/);
    const account = await tab.locator(".bpflab-account tbody tr").allTextContents();
    assert.deepEqual(account.map((row) => /^[a-z.]+/.exec(row)![0]), ["ringbuf.rb", "stats.rb"], "two that began in the same second");

    const chart = tab.locator(".vega-embed svg.marks");
    await chart.waitFor();
    assert.ok((await chart.textContent())!.includes(strange), "text in the chart");
    assert.ok((await tab.locator(".bpflab-table").first().innerText()).includes(strange), "text in the table");
    assert.equal(await tab.locator('#markup, img[src="x"]').count(), 0);
    const marks = () => chart.locator(".mark-rect path").evaluateAll((all) => all.map((mark) => mark.outerHTML).join());
    const before = await marks();
    await chart.locator(".role-legend-symbol path").first().click({ force: true });
    for (let tries = 0; (await marks()) === before; tries++) {
      assert.ok(tries < 50, "clicking the legend changes the marks");
      await tab.waitForTimeout(100);
    }
  } finally {
    await browser.close();
  }
});

test("parameters take the place of the cell's; a sweep makes a page for each value and one that compares", async () => {
  const source = await notebook("sweep.ipynb", ["const threshold = 50; // a second\nconst label = 'none';\nconst fast = true;\nconst rest = '';", "console.log(`${label} above ${threshold}`)", 'import { aq } from "kernel-helpers";\naq.table({ doubled: [2 * threshold] })'], "bpflab", ["parameters"]);
  const result = await report(source, "-o", join(directory, "sweep.html"), "-p", "threshold=10,-2.5", "-p", "label=a, b");
  assert.equal(result.exitCode, 0, result.stderr);
  const page = await readFile(join(directory, "sweep-threshold-10-label-a_b.html"), "utf8");
  assert.match(page, /<pre>a, b above 10/);
  assert.match(page, /<dt>threshold<\/dt><dd>10<\/dd>/);
  assert.match(page, /<dt>fast<\/dt><dd>true<\/dd>/);
  assert.match(page, /<dt>rest<\/dt><dd>""<\/dd>/);
  const compared = await readFile(join(directory, "sweep.html"), "utf8");
  assert.match(compared, /threshold = 10, label = a, b[\s\S]*<td[^>]*>20<[\s\S]*threshold = -2.5[\s\S]*<td[^>]*>-5</);
  assert.match(compared, /href="sweep-threshold--2\.5-label-a_b\.html"/);
});

test("an unknown parameter and a value of another type are refused before anything runs", async () => {
  const source = await notebook("refused.ipynb", ["const threshold = 50;\nconst fast = true;"], "bpflab", ["parameters"]);
  const known = "It takes threshold (number, 50 unless told otherwise) and fast (boolean, true unless told otherwise).";
  for (const [given, words] of [["speed=3", "There is no parameter speed."], ["threshold=much", 'Expected a number for the parameter threshold, got "much".'], ["fast=1", 'Expected true or false for the parameter fast, got "1".']]) {
    const result = await report(source, "-o", directory, "-p", given!);
    assert.equal(result.exitCode, 1);
    assert.equal(result.stdout, "");
    assert.equal(result.stderr, `${words} ${known}`);
  }
  const none = await report(await notebook("none.ipynb", ["1"]), "-o", directory, "-p", "a=1");
  assert.equal(none.stderr, "There is no parameter a. This notebook takes none: no cell is tagged `parameters`.");
});

test("a page is printed to a PDF", async () => {
  const source = await notebook("print.ipynb", ["1"]);
  const result = await report(source, "-o", directory, "--pdf");
  assert.equal(result.exitCode, 0, result.stderr);
  assert.equal((await readFile(join(directory, "print.pdf"))).subarray(0, 5).toString(), "%PDF-");
});

test("a failing cell fails the command, is named, and the page shows what ran up to there", async () => {
  const source = await notebook("fails.ipynb", ["console.log('this ran')", "const x = 1;\nthrow new RangeError('over\\u001b[2J the edge')", "console.log('never ' + 'ran')"]);
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /fails\.ipynb: cell 2, line 2, failed: RangeError: over.*the edge/);
  assert.ok(!result.stderr.includes("\u001b"), "a notebook's text cannot steer the terminal");
  const html = await readFile(join(directory, "fails.html"), "utf8");
  assert.match(html, /<pre>this ran/);
  assert.match(html, /RangeError: over/);
  assert.doesNotMatch(html, /never ran/);
});

test("a kernel that is not there is named", async () => {
  const source = await notebook("stranger.ipynb", ["1"], "no-such-kernel");
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /stranger\.ipynb: the kernel did not start: NoSuchKernel: .*no-such-kernel/);
});

test("one failing notebook does not keep the others from their pages", async () => {
  const first = await notebook("a.ipynb", ["throw new Error('first')"]);
  const second = await notebook("b.ipynb", ["40 + 2"]);
  const result = await report(first, second, "-o", join(directory, "both"));
  assert.equal(result.exitCode, 1);
  assert.match(await readFile(join(directory, "both/b.html"), "utf8"), /<pre>42<\/pre>/);
});

test("what is not a notebook is refused before anything runs", async () => {
  const source = await notebook("good.ipynb", ["1"]);
  const missing = await report(source, join(directory, "missing.ipynb"));
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /^Expected a notebook \(\.ipynb\), got .*missing\.ipynb, which is not there\.$/);
  assert.equal(missing.stdout, "");
  const two = await report(source, source, "-o", "page.html");
  assert.equal(two.exitCode, 1);
  assert.match(two.stderr, /names one page, and there are 2 notebooks/);
});

test("a file that is no notebook inside is refused in one sentence", async () => {
  const source = join(directory, "broken.ipynb");
  await writeFile(source, "{ not json");
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /^.*broken\.ipynb is not a notebook: .+\n.+$/);
});
