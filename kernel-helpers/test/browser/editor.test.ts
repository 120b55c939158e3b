/// <reference lib="dom" />
/** What JupyterLab's editor does with cells: the debugger's panel, and the colours of C. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Locator } from "playwright-core";
import { Lab } from "./lab.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
afterEach(() => lab.shutdownKernels());
after(() => lab.close());

/** The colour and weight in which a word of a cell is drawn. */
async function looks(cell: Locator, word: string): Promise<string> {
  const token = cell.locator(".cm-line").getByText(word, { exact: true }).first();
  return token.evaluate((element) => `${getComputedStyle(element).color} ${getComputedStyle(element).fontWeight}`);
}

test("a cell that begins with %%bpf is C to the editor, for as long as it does", async () => {
  const cells = ["const n = 1;", "%%bpf counter\nstruct point { int x; };\nstatic int zero;"];
  const notebook = await lab.open(await lab.write("colours.ipynb", cells));
  const [typescript, c] = [notebook.cell(0), notebook.cell(1)];
  const keyword = await looks(typescript, "const");
  await c.locator(".cm-line").getByText("struct", { exact: true }).first().waitFor();
  assert.equal(await looks(c, "struct"), keyword);
  await notebook.replace(1, "let struct = { a: 1 };\nstruct.a");
  const plain = c.locator(".cm-line").getByText("let", { exact: true });
  await plain.first().waitFor();
  assert.equal(await looks(c, "let"), keyword);
});

test("the debugger's panel stops at a breakpoint, shows where and with what, and goes on", async () => {
  const cells = ["function double(n: number) {\n  const twice = n * 2;\n  return twice;\n}", "double(21)"];
  const notebook = await lab.open(await lab.write("debugged.ipynb", cells));
  const { page } = notebook;
  const bug = page.locator('[data-jp-item-name="debugger-icon"] button, .jp-DebuggerBugButton button').first();
  const gutter = notebook.cell(0).locator(".cm-breakpoint-gutter .cm-gutterElement");
  // JupyterLab forgets a click on the bug before it has asked the kernel whether there is a debugger.
  for (let tries = 1; (await gutter.count()) === 0; tries++) {
    await bug.click();
    await gutter
      .first()
      .waitFor({ state: "attached", timeout: 10_000 })
      .catch((error: unknown) => tries === 5 && Promise.reject(error));
  }
  await gutter.nth(3).click(); // the first is a spacer
  await notebook.cell(0).locator(".cm-breakpoint-icon").last().waitFor();
  await notebook.run(0);
  await notebook.edit(1);
  await page.keyboard.press("Shift+Enter");
  const stack = page.locator(".jp-DebuggerCallstack-body li");
  await stack.first().waitFor();
  assert.match((await stack.first().innerText()).replace(/\s+/g, " "), /^double.*:3$/);
  const variables = page.locator(".jp-DebuggerVariables-body");
  await variables.getByText("twice", { exact: false }).first().waitFor();
  await page.keyboard.press("F9");
  await notebook.idle();
  assert.equal(await notebook.output(1).innerText(), "42");
});
