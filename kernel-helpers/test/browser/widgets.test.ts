import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Lab } from "./lab.js";
import type { NotebookPage } from "./notebook-page.js";

const IMPORT = 'import { bpf, widgets } from "kernel-helpers";';
const COUNTER = `%%bpf tuned --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
int step = 1;
bool on = false;
enum mode { OFF, COUNT, TRACE };
enum mode mode = OFF;
unsigned long long calls = 0;
SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	if (on && mode != OFF)
		__sync_fetch_and_add(&calls, step);
	return 0;
}`;
const CONTROLS = `const clicks: string[] = [];
const button = new widgets.Button({ description: "Note it" });
button.clicks.subscribe(() => clicks.push(\`step \${tuned.globals.step}\`));
new widgets.VBox([
  widgets.bind(tuned.globals, "step", { min: 1, max: 500 }),
  new widgets.HBox([widgets.bind(tuned.globals, "on"), widgets.bind(tuned.globals, "mode"), button]),
])`;
const LOOK = "JSON.stringify({ step: tuned.globals.step, on: tuned.globals.on, mode: tuned.globals.mode, clicks })";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
after(() => lab.close());

/** What the program's variables hold, as a later cell reads them. */
async function look(notebook: NotebookPage): Promise<{ step: number; on: boolean; mode: string; clicks: string[] }> {
  await notebook.run(3);
  const text = await notebook.output(3).first().innerText();
  assert.match(text, /^.?\{/);
  return JSON.parse(text.trim().replace(/^'|'$/g, "")) as never;
}

test("controls in JupyterLab move a running program, and come back when the page is loaded anew", async () => {
  const notebook = await lab.open(await lab.write("widgets.ipynb", [IMPORT, COUNTER, CONTROLS, LOOK]), {
    height: 1600,
  });
  await notebook.runAll();
  const controls = notebook.cell(2);
  const slider = controls.locator(".widget-slider .noUi-handle");
  await slider.waitFor();
  assert.equal(await controls.locator(".widget-slider").count(), 1);
  assert.equal(
    await controls.locator(".bpflab-widget-state").isVisible(),
    false,
    "the static state is not seen beside the live widget",
  );
  assert.deepEqual(await look(notebook), { step: 1, on: false, mode: "OFF", clicks: [] });

  const track = (await controls.locator(".widget-slider .noUi-target").boundingBox())!;
  const handle = (await slider.boundingBox())!;
  const { mouse } = notebook.page;
  await mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
  await mouse.down();
  await mouse.move(track.x + track.width / 2, track.y + track.height / 2, { steps: 12 });
  await mouse.up();
  const readout = controls.locator(".widget-slider .widget-readout");
  const step = Number(await readout.innerText());
  assert.ok(step > 150 && step < 350, `the slider in the middle says ${step}`);
  await controls.locator(".jupyter-button", { hasText: "on" }).first().click();
  await controls.locator("select").selectOption("COUNT");
  await controls.locator(".jupyter-button", { hasText: "Note it" }).click();
  await notebook.picture("widgets");
  assert.deepEqual(await look(notebook), { step, on: true, mode: "COUNT", clicks: [`step ${step}`] });

  await notebook.replace(3, "tuned.globals.step = 42;");
  await notebook.run(3);
  await readout.filter({ hasText: /^42$/ }).waitFor(); // the slider follows

  await notebook.save();
  await notebook.page.reload();
  await notebook.ready();
  await controls.locator(".widget-slider .widget-readout", { hasText: /^42$/ }).waitFor();
  await notebook.replace(3, "tuned.close();");
  await notebook.run(3);
  await controls.locator(".widget-slider .noUi-target[disabled]").waitFor();
  await notebook.close();
  await lab.shutdownKernels();
});
