import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import { chromium } from "playwright-core";
import { outsideLoads } from "../../dist/report/html.js";

const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-report-test-"));
});
after(() => rm(directory, { recursive: true }));

/** Writes a notebook with these code cells after a heading. */
async function notebook(name: string, cells: string[], kernel = "bpflab"): Promise<string> {
  const file = join(directory, name);
  const code = cells.map((source) => ({ cell_type: "code", metadata: {}, execution_count: null, outputs: [], source }));
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

test("a notebook becomes a page with its charts that loads nothing and runs nothing", async () => {
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

  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
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
    const chart = await tab.locator(".jp-OutputArea svg").first().boundingBox();
    assert.ok(chart && chart.width > 200 && chart.height > 100, "the chart is drawn");
    assert.ok((await tab.locator(".jp-OutputArea svg").first().locator("path").count()) > 4, "with marks in it");
    assert.match(await tab.locator("body").innerText(), /<img src=x onerror="document.title = 1">/);
  } finally {
    await browser.close();
  }
});

test("a failing cell fails the command, is named, and the page shows what ran up to there", async () => {
  const source = await notebook("fails.ipynb", ["console.log('this ran')", "throw new RangeError('over\\u001b[2J the edge')", "console.log('never ' + 'ran')"]);
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /fails\.ipynb: cell 2 failed: RangeError: over.*the edge/);
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
  assert.match(result.stderr, /^.*broken\.ipynb could not be run: .+\n.*doctor.*$/);
});
