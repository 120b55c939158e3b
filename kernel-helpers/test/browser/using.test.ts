import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, afterEach, before, test } from "node:test";
import { Lab } from "./lab.js";
import { assertDrawn, type NotebookPage } from "./notebook-page.js";

let lab: Lab;
before(async () => {
  lab = await Lab.start();
});
afterEach(() => lab.shutdownKernels());
after(() => lab.close());

/** Counts the writes of one size: a size that nobody else on the machine writes. */
const gate = (name: string) => `%%bpf ${name} --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

__u32 wanted = 0;
__u64 seen = 0;

SEC("tp/syscalls/sys_enter_write")
int ${name}_program(struct trace_event_raw_sys_enter *ctx)
{
	if (ctx->args[2] == wanted)
		__sync_fetch_and_add(&seen, 1);
	return 0;
}`;

/** A cell that writes 10 times 12,345 bytes and 20 times 23,456, and shows how many of them the program saw. */
const count = (name: string) => `const before = ${name}.globals.seen;
execFileSync("dd", ["if=/dev/zero", "of=/dev/null", "bs=12345", "count=10"], { stdio: "ignore" });
execFileSync("dd", ["if=/dev/zero", "of=/dev/null", "bs=23456", "count=20"], { stdio: "ignore" });
const seen = Number(${name}.globals.seen - before);
console.log(\`\${seen} seen\`);
charts.bar(aq.table({ of: ["seen", "in all"], writes: [seen, 30] }), { x: "of", y: "writes" })`;

const imports =
  'import { aq, bpf, charts, collect } from "kernel-helpers";\nimport { execFileSync } from "node:child_process";';

/** Names of the tracing programs in the kernel that are called so. */
const loaded = (pattern: RegExp): string[] => {
  const programs = JSON.parse(execFileSync("bpftool", ["-j", "prog", "list"], { encoding: "utf8" })) as {
    name?: string;
  }[];
  return programs
    .map(({ name }) => name ?? "")
    .filter((name) => pattern.test(name))
    .sort();
};

const text = (notebook: NotebookPage, cell: number) => notebook.output(cell).first().innerText();

test("a global edited in its cell and rerun with Shift-Enter changes the next output", async () => {
  const notebook = await lab.open(
    await lab.write("edit.ipynb", [imports, gate("edited"), "edited.globals.wanted = 12345;", count("edited")]),
  );
  await notebook.runAll();
  assert.equal((await text(notebook, 3)).trim(), "10 seen");
  const chart = notebook.cell(3).locator("canvas.marks");
  await assertDrawn(chart);
  const before = await chart.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());

  await notebook.replace(2, "edited.globals.wanted = 23456;");
  await notebook.run(2);
  await notebook.run(3);
  assert.equal((await text(notebook, 3)).trim(), "20 seen");
  await assertDrawn(chart);
  assert.notEqual(await chart.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()), before);
  await notebook.picture("edited");
  await notebook.close();
});

test("Tab completes in TypeScript, from the kernel's types, and in C", async () => {
  const notebook = await lab.open(
    await lab.write("complete.ipynb", [
      gate("completed"),
      "completed.globals.",
      '%%bpf more\n#include "bpflab.h"\n__u64 at(void) { return bpf_ktime_get_',
    ]),
  );
  await notebook.run(0);
  assert.deepEqual((await notebook.completions(1)).filter((name) => /^(seen|wanted)$/.test(name)).sort(), [
    "seen",
    "wanted",
  ]);
  await notebook.picture("completion");
  await notebook.page.keyboard.press("Escape");
  assert.ok((await notebook.completions(2)).includes("bpf_ktime_get_ns"));
  await notebook.close();
});

test("C typed by hand survives the editor, saving and exporting", async () => {
  const lines = [
    "%%bpf typed --attach",
    '#include "bpflab.h"',
    'char LICENSE[] SEC("license") = "GPL";',
    'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } sizes SEC(".maps");',
    "const volatile char note[] = \"<b> &amp; 100% \\t 'x' `y` ${z}\";",
    'SEC("tp/syscalls/sys_enter_write")',
    "int typed_program(struct trace_event_raw_sys_enter *ctx) // 🎈",
    "{",
    "if (ctx->args[2] > 1 && !(ctx->args[0] & ~0xffULL))",
    "return note[0] == '<' ? 0 : 1; /* `/",
    "${ not TypeScript } */",
    "return 0;",
    "}",
  ];
  const notebook = await lab.open(await lab.write("typed.ipynb", [""]));
  await notebook.edit(0);
  for (const [i, line] of lines.entries()) {
    if (i > 0) await notebook.page.keyboard.press("Enter");
    await notebook.page.keyboard.type(line);
  }
  await notebook.page.keyboard.press("Escape"); // whatever was offered on the way
  await notebook.run(0);
  assert.match(await text(notebook, 0), /BPF object typed.*attached/s);
  await notebook.save();
  const [{ source } = { source: "" }] = await lab.saved("typed.ipynb");
  // The editor indents by itself, which is all that it may do.
  assert.deepEqual(
    [source]
      .flat()
      .join("")
      .split("\n")
      .map((line) => line.trim()),
    lines,
  );
  const page = await notebook.newTab(await notebook.exportHtml());
  const shown = await page.locator("pre").first().innerText();
  assert.deepEqual(
    shown
      .trim()
      .split("\n")
      .map((line) => line.trim()),
    lines,
  );
  await notebook.close();
});

test("the menu interrupts a cell, which keeps the session, and restarts the kernel, which ends it", async () => {
  const forever = 'console.log("begun");\nfor (;;) await new Promise((resolve) => setTimeout(resolve, 10));';
  const notebook = await lab.open(await lab.write("stop.ipynb", [gate("stopped"), forever, "typeof stopped"]));
  await notebook.run(0);
  await notebook.edit(1);
  await notebook.page.keyboard.press("Shift+Enter");
  await notebook.output(1).filter({ hasText: "begun" }).waitFor();
  await notebook.menu("Kernel", "Interrupt Kernel");
  await notebook.hasRun(1);
  assert.match(await notebook.cell(1).locator(".jp-OutputArea").innerText(), /[Ii]nterrupt/);
  await notebook.run(2);
  assert.equal((await text(notebook, 2)).trim(), "object");
  assert.deepEqual(loaded(/^stopped/), ["stopped_program"]);

  await notebook.menu("Kernel", "Restart Kernel…");
  await notebook.page.locator(".jp-Dialog button.jp-mod-accept").click();
  await notebook.page.locator(".jp-Dialog").waitFor({ state: "detached" });
  await notebook.idle();
  await notebook.replace(2, "40 + 2");
  await notebook.run(2);
  assert.equal((await text(notebook, 2)).trim(), "42");
  assert.deepEqual(loaded(/^stopped/), [], "the old kernel's program is gone");
  await notebook.close();
});

test("two notebooks at once have attachments of their own", async () => {
  const cells = (name: string, wanted: number) => [
    imports,
    gate(name),
    `${name}.globals.wanted = ${wanted};`,
    count(name),
  ];
  const left = await lab.open(await lab.write("left.ipynb", cells("both_left", 12345)));
  const right = await lab.open(await lab.write("right.ipynb", cells("both_right", 23456)));
  await left.runAll();
  await right.runAll();
  await left.run(3);
  assert.equal((await text(left, 3)).trim(), "10 seen");
  assert.equal((await text(right, 3)).trim(), "20 seen");
  assert.deepEqual(loaded(/^both_/), ["both_left_program", "both_right_program"]);

  await left.menu("Kernel", "Shut Down Kernel");
  await left.page.locator("#jp-main-statusbar", { hasText: "No Kernel" }).waitFor();
  assert.deepEqual(loaded(/^both_/), ["both_right_program"]);
  await right.run(3);
  assert.equal((await text(right, 3)).trim(), "20 seen");
  await left.close();
  await right.close();
});
