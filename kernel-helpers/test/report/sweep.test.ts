import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { directory, notebook, report } from "./notebook.js";

test("parameters take the place of the cell's; a sweep makes a page for each value and one that compares", async () => {
  const source = await notebook(
    "sweep.ipynb",
    [
      "const threshold = 50; // a second\nconst label = 'none';",
      "console.log(`${label} above ${threshold}`)",
      'import { aq } from "kernel-helpers";\naq.table({ doubled: [2 * threshold] })',
    ],
    "bpflab",
    ["parameters"],
  );
  const result = await report(
    source,
    "-o",
    join(directory, "sweep.html"),
    "-p",
    "threshold=10,-2.5",
    "-p",
    "label=a, b",
  );
  assert.equal(result.exitCode, 0, result.stderr);
  const page = await readFile(join(directory, "sweep-threshold-10-label-a_b.html"), "utf8");
  assert.match(page, /<pre>a, b above 10/);
  assert.match(page, /<dt>threshold<\/dt><dd>10<\/dd>[\s\S]*<dt>label<\/dt><dd>a, b<\/dd>/);
  const compared = await readFile(join(directory, "sweep.html"), "utf8");
  assert.match(
    compared,
    /<h1>About sweep\.ipynb: threshold compared<\/h1>[\s\S]*<dt>threshold<\/dt><dd>10, -2\.5<\/dd>/,
  );
  assert.match(
    compared,
    /<h4[^>]*>threshold = 10<[\s\S]*<td[^>]*>20<[\s\S]*<h4[^>]*>threshold = -2.5<[\s\S]*<td[^>]*>-5</,
  );
  assert.match(compared, /href="sweep-threshold--2\.5-label-a_b\.html"/);
});

test("a sweep's comparison adds up what was lost in all of its runs", async () => {
  const lossy = `import { bpf, collect, latency } from "kernel-helpers";
import { execFileSync } from "node:child_process";
const ringbuf = await bpf.load("ringbuf", { maxEntries: { rb: 4096 }, globals: { rb_wakeup_bytes: 1 << 20 } });
await ringbuf.attach();
const writes = await collect(ringbuf.events("rb"), { until: async () => execFileSync("dd", ["if=/dev/zero", "of=/dev/null", "bs=1", \`count=\${writesOfDd}\`], { stdio: "ignore" }) });
latency.summary(writes)`;
  const source = await notebook("lossy.ipynb", ["const writesOfDd = 1000;", lossy], "bpflab", ["parameters"]);
  assert.equal((await report(source, "-o", directory, "-p", "writesOfDd=2000,3000")).exitCode, 0);
  const missing = async (page: string) =>
    /(\d+) captures?, ([\d,]+) events are missing/
      .exec(await readFile(join(directory, page), "utf8"))!
      .slice(1)
      .map((text) => Number(text.replaceAll(",", "")));
  const [two, three, all] = [
    await missing("lossy-writesOfDd-2000.html"),
    await missing("lossy-writesOfDd-3000.html"),
    await missing("lossy.html"),
  ];
  assert.ok(two[1]! > 1000 && three[1]! > 2000, `${two[1]} and ${three[1]} lost`);
  assert.deepEqual(all, [2, two[1]! + three[1]!]);
});

test("an unknown parameter and a value of another type are refused before anything runs", async () => {
  const source = await notebook("refused.ipynb", ["const threshold = 50;\nconst fast = true;"], "bpflab", [
    "parameters",
  ]);
  const known = "It takes threshold (number, 50 unless told otherwise) and fast (boolean, true unless told otherwise).";
  for (const [given, words] of [
    ["speed=3", "There is no parameter speed."],
    ["threshold=much", 'Expected a number for the parameter threshold, got "much".'],
    ["fast=1", 'Expected true or false for the parameter fast, got "1".'],
  ]) {
    const result = await report(source, "-o", directory, "-p", given!);
    assert.equal(result.exitCode, 1);
    assert.equal(result.stdout, "");
    assert.equal(result.stderr, `${words} ${known}`);
  }
  const none = await report(await notebook("none.ipynb", ["1"]), "-o", directory, "-p", "a=1");
  assert.equal(none.stderr, "There is no parameter a. This notebook takes none: no cell is tagged `parameters`.");
});
