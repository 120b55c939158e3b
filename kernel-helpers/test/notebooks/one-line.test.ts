import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { execute } from "./execute.js";

test("08-one-line: bpftrace's twelve lessons, each in three lines at most, beside bpftrace's own", async () => {
  const notebook = await execute("08-one-line.ipynb");
  assert.match(notebook.text("probe.list("), /tp\/syscalls\/sys_enter_openat\b/);
  assert.match(notebook.text("const opens"), /\/etc\/passwd|events|rows/);
  for (const chart of ["const calls", "const sizes", "const slow", "const profile", "const switches"])
    notebook.chart(chart);
  assert.ok(notebook.rows("const steps").length > 0);
  const scheduled = notebook.rows('probe("tp/sched/sched_*")');
  assert.ok(scheduled.some(([hook]) => hook === "tp/sched/sched_switch"));
  assert.match(notebook.text("const started"), /\bcat\b/);
  assert.match(notebook.text("reads.source()"), /SEC\("tp\/syscalls\/sys_exit_read"\)/);

  const { cells } = JSON.parse(
    await readFile(new URL("../../../notebooks/08-one-line.ipynb", import.meta.url), "utf8"),
  ) as { cells: { cell_type: string; source: string[] }[] };
  const lessons = cells.flatMap(({ cell_type, source }, i) =>
    cell_type === "markdown" && /^## \d+ · /.test(source[0]!)
      ? [{ text: source.join(""), code: cells[i + 1]!.source }]
      : [],
  );
  assert.equal(lessons.length, 12);
  for (const { text, code } of lessons) {
    assert.match(text, /^bpftrace -/m);
    assert.ok(code.length <= 3, code.join(""));
  }
});
