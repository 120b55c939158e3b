import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertChartReadable, assertReadable } from "./contrast.js";
import { Lab } from "./lab.js";
import { assertDrawn } from "./notebook-page.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start({ own: true });
});
after(() => lab.close());

/** One of everything that is drawn: a handle, a table that says what it lacks, charts, controls, a live view, an error. */
const cells = [
  `import { aq, bpf, charts, collect, widgets } from "kernel-helpers";
import { execFileSync } from "node:child_process";
import { take, timer } from "rxjs";
const ringbuf = await bpf.load("ringbuf", { maxEntries: { rb: 4096 } });
ringbuf.globals.rb_wakeup_bytes = 1 << 20; // nobody wakes us before the ring is full
await ringbuf.attach()`,
  `const writes = await collect(ringbuf.events("rb"), { until: async () => execFileSync("dd", ["if=/dev/zero", "of=/dev/null", "bs=1", "count=5000"], { stdio: "ignore" }) });
writes`,
  'charts.histogram(writes, { x: "duration_ns", by: "comm" })',
  "charts.heatmap(writes)",
  `const first = writes.get("start_ns", 0);
charts.timeline(writes, { stack: false, rules: [{ value: 100_000, label: "a limit" }], marks: [{ at: first + 1e6, label: "a moment" }] })`,
  'charts.bar(writes, { x: "comm" })',
  `new widgets.VBox([
  widgets.bind(ringbuf.globals, "watched_pid", { min: 0, max: 500 }),
  new widgets.HBox([new widgets.ToggleButton({ description: "on" }), new widgets.Dropdown({ description: "mode", options: ["monitor", "drop_all"] }), new widgets.Button({ description: "Do it" })]),
])`,
  "timer(0, 50).pipe(take(4))",
  "ringbuf.close();\nawait ringbuf.attach();",
];

test("everything can be read in JupyterLab's dark theme, in the light one, and after a change between them", async () => {
  const notebook = await lab.open(await lab.write("dark.ipynb", cells), { height: 6000 });
  await notebook.theme("dark");
  await notebook.runAll();
  await notebook.cell(6).locator(".widget-slider").waitFor();
  const readable = async () => {
    await assertReadable(notebook.outputs);
    for (const chart of await notebook.charts.all()) {
      await assertDrawn(chart);
      await assertChartReadable(chart);
    }
  };
  await readable();
  assert.match(await notebook.output(1).locator(".loss").innerText(), /Incomplete: of [\d,]+ events [\d,]+ lost/);
  await notebook.picture("dark");
  await notebook.save();
  await notebook.theme("light");
  await readable();
  await notebook.page.reload();
  await notebook.ready();
  await notebook.charts.nth(3).waitFor();
  await readable();
  await notebook.close();
  await lab.shutdownKernels();
});
