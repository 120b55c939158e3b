import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { Lab } from "./lab.js";
import { assertDrawn } from "./notebook-page.js";

let lab: Lab;
let scratch: string;
before(async () => {
  lab = await Lab.start();
  scratch = await mkdtemp(join(tmpdir(), "bpflab-markup-"));
});
after(async () => {
  await lab.close();
  await rm(scratch, { recursive: true });
});

/** A thread's name has 15 bytes: the first of these becomes an unfinished tag, the second a whole one. A path has all of it. */
const names = ["<img src=x onerror=alert(1)>", "<i id=markup>"];
const shown = names.map((name) => name.slice(0, 15));

const cells = (directory: string) => [
  `import { aq, bpf, charts, collect, withPaths } from "kernel-helpers";
import { spawn } from "node:child_process";
import { filter, map, take } from "rxjs";
const [stats, ringbuf] = [await bpf.load("stats"), await bpf.load("ringbuf")];
await stats.attach();
await ringbuf.attach();
const names = ${JSON.stringify(names)};
// Shells of these names, which write into files of these names for half a minute at most.
const writers = names.map((name) => spawn("./" + name, ["-c", 'exec > "$0.txt"; for i in $(seq 600); do echo x; sleep 0.05; done', name], { cwd: ${JSON.stringify(directory)}, stdio: "ignore" }));
const isStrange = aq.escape((row: { comm: string }) => row.comm.startsWith("<"));
const writes = await collect(ringbuf.events("rb"), { seconds: 1 });`,
  "writes.filter(isStrange)",
  'charts.histogram(writes.filter(isStrange), { x: "duration_ns", by: "comm" })',
  "const files = withPaths(stats.maps.stats_map.table()).filter(isStrange);\nfiles",
  'charts.bar(files, { x: "path", y: "writes", title: `Writes of ${names[0]}` })',
  'charts.timeline(writes.filter(isStrange), { by: "comm", marks: [{ at: writes.get("start_ns", 0), label: names[0]! }], rules: [{ value: 10, label: names[1]! }] })',
  'ringbuf.events("rb").pipe(map((batch) => ({ ...batch, table: batch.table.filter(isStrange).reify() })), filter(({ table }) => table.numRows() > 0), take(3))',
  'const view = charts.live(ringbuf.events("rb"), (table) => charts.bar(table.filter(isStrange), { x: "comm" }));\nawait new Promise((resolve) => setTimeout(resolve, 1000));\nawait view.stop();',
  "for (const writer of writers) writer.kill();\nconsole.log(names.join());\nthrow new Error(names.join())",
];

/** Fails if any of it has become an element, or has run. Returns all that the page says. */
async function assertText(page: Page, where: string): Promise<string> {
  assert.equal(await page.locator('img[src="x"], #markup').count(), 0, where);
  const text = await page.locator(where).allInnerTexts();
  return text.join("\n");
}

test("a process and a file whose names are markup show as that text, in the notebook and in its page", async () => {
  for (const name of names) await symlink("/bin/sh", join(scratch, name));
  const notebook = await lab.open(await lab.write("markup.ipynb", cells(scratch)), { height: 6000 });
  let alerts = 0;
  notebook.page.on("dialog", (dialog) => {
    alerts++;
    void dialog.dismiss();
  });
  await notebook.runAll();
  await notebook.hasRun(8);
  for (const chart of await notebook.charts.all()) await assertDrawn(chart);
  const text = await assertText(notebook.page, ".jp-OutputArea-output");
  for (const name of shown) assert.ok(text.includes(name), `${name} in ${text}`);
  for (const name of names) assert.ok(text.includes(`/${name}.txt`), `the path of ${name} in ${text}`);
  assert.match(await notebook.output(6).first().innerText(), /ended: \d+ events.*\n[^]*<i/);
  assert.ok((await notebook.cell(8).locator(".jp-OutputArea").innerText()).includes(`Error: ${names.join()}`));

  assert.match(
    await notebook.tooltip(notebook.cell(4).locator("canvas.marks")),
    /<(img src=x onerror=alert\(1\)|i id=markup)>\.txt/,
  );
  await notebook.picture("markup");
  await notebook.save();
  const specs = JSON.stringify(
    (await lab.saved(notebook.name)).flatMap(({ outputs }) =>
      outputs.map(({ data }) => data?.["application/vnd.vegalite.v5+json"]),
    ),
  );
  for (const name of [...names, ...shown]) assert.ok(specs.includes(name), name);

  const file = join(lab.directory, "markup.html");
  await writeFile(file, await notebook.exportHtml());
  const page = await lab.newPage();
  page.on("dialog", (dialog) => {
    alerts++;
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(file).href);
  await page.locator(".vega-embed svg.marks").nth(3).waitFor();
  const exported = await assertText(page, "body");
  for (const name of [...shown, ...names.map((name) => `/${name}.txt`)])
    assert.ok(exported.includes(name), `${name} in the page`);
  await page.locator(".vega-embed").nth(1).locator(".mark-rect path").first().hover();
  await page
    .locator("#vg-tooltip-element.visible", { hasText: names[0]! })
    .or(page.locator("#vg-tooltip-element.visible", { hasText: names[1]! }))
    .waitFor();
  await assertText(page, "body");
  assert.equal(alerts, 0);
  await page.close();
  await notebook.close();
  await lab.shutdownKernels();
});
