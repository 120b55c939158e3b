/** Notebooks as nbconvert runs them, which stops at the first cell that fails. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { jupyter, PYTHON } from "./client.js";

const { prefix, env } = jupyter();

function notebookOf(cells: string[]): string {
  const language_info = { name: "typescript", file_extension: ".ts", nbconvert_exporter: "script" };
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: "bpflab", display_name: "TypeScript (bpflab)", language: "typescript" },
      language_info,
    },
    cells: cells.map((source, i) => ({
      id: `cell-${i}`,
      cell_type: "code",
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  });
}

describe("through nbconvert", () => {
  /** Executes the cells as a notebook; the cells of the result, and what nbconvert said. */
  async function execute(cells: string[], ...options: string[]) {
    const directory = mkdtempSync(join(prefix, "notebook-"));
    writeFileSync(join(directory, "in.ipynb"), notebookOf(cells));
    const args = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output", "out.ipynb", ...options, "in.ipynb"];
    const { exitCode, all } = await execa(PYTHON, args, { cwd: directory, env, reject: false, all: true });
    const read = (): {
      outputs: { output_type: string; text?: string; ename?: string; data?: Record<string, unknown> }[];
    }[] => (JSON.parse(readFileSync(join(directory, "out.ipynb"), "utf8")) as { cells: never }).cells;
    return { exitCode, all, read };
  }

  it("fills in the outputs of a notebook that runs", async () => {
    const { exitCode, all, read } = await execute(["const n = 40;\nconsole.log('hello');", "n + 2"]);
    assert.equal(exitCode, 0, all);
    const [first, second] = read();
    assert.equal([first!.outputs[0]!.text].flat().join(""), "hello\n");
    assert.deepEqual([second!.outputs[0]!.data!["text/plain"]].flat(), ["42"]);
  });

  it("keeps a widget's last state where no widget can live", async () => {
    const cells = [
      'import { widgets } from "kernel-helpers";\nconst rows = new widgets.IntSlider({ description: "rows" });\nrows',
      "rows.value = 64;",
    ];
    const { exitCode, all, read } = await execute(cells);
    assert.equal(exitCode, 0, all);
    const pages = read()[0]!.outputs.map(({ data }) => [data?.["text/html"] ?? ""].flat().join(""));
    assert.ok(
      pages.some((page) => page.includes("<span>rows</span><b>64</b>")),
      JSON.stringify(pages),
    );
  });

  for (const [what, cell, line] of [
    ["throws", "const fine = 1;\nthrow new Error('on purpose');", "> 2 | throw new Error('on purpose');"],
    ["rejects unhandled", "Promise.reject(new Error('on purpose'));", "> 1 | Promise.reject(new Error('on purpose'));"],
    [
      "fails in a timer",
      "setTimeout(() => {\n  throw new Error('on purpose');\n}, 10);\nawait new Promise((resolve) => setTimeout(resolve, 1000));",
      "> 2 |   throw new Error('on purpose');",
    ],
    [
      "leaves a timer that fails",
      "setTimeout(() => {\n  throw new Error('on purpose');\n}, 100);",
      "> 2 |   throw new Error('on purpose');",
    ],
  ] as const) {
    it(`fails when a cell ${what}, and names the line`, async () => {
      const { exitCode, all } = await execute([cell, "await new Promise((resolve) => setTimeout(resolve, 1000));"]);
      assert.notEqual(exitCode, 0);
      assert.ok(all.includes(line), all);
    });
  }

  it("goes on behind every kind of failing cell with --allow-errors", async () => {
    const failing = [
      "throw new Error('on purpose');",
      "const wrong: number = 'text';",
      "Promise.reject(new Error('on purpose'));",
      "setTimeout(() => { throw new Error('on purpose'); }, 10);\nawait new Promise((resolve) => setTimeout(resolve, 1000));",
      "process.exit(1);",
      "%%bpf wrong\nint x = ;",
    ];
    const { exitCode, all, read } = await execute(
      failing.flatMap((cell) => [cell, "'still runs'"]),
      "--allow-errors",
    );
    assert.equal(exitCode, 0, all);
    const outputs = read().map(({ outputs: [first] }) => first?.ename ?? [first?.data?.["text/plain"]].flat()[0]);
    const names = ["Error", "TypeScriptError", "Error", "Error", "ProcessExitError", "CompileError"];
    assert.deepEqual(
      outputs,
      names.flatMap((name) => [name, "still runs"]),
    );
  });

  it("makes a script that bpflab run runs", async () => {
    const directory = mkdtempSync(join(prefix, "script-"));
    const program = `%%bpf counter --attach\n#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\n\nint calls = 0;\n\nSEC("tp/syscalls/sys_enter_getppid")\nint on_getppid(void *ctx)\n{\n\tif (bpf_get_current_pid_tgid() >> 32 == own_tgid)\n\t\t__sync_fetch_and_add(&calls, 1);\n\treturn 0;\n}`;
    const cells = ["let asked = 0;", program, "asked = process.ppid;\nconsole.log(counter.globals.calls, asked > 0);"];
    writeFileSync(join(directory, "book.ipynb"), notebookOf([...cells, "counter.close();\nnosuch(asked);"]));
    await execa(PYTHON, ["-m", "nbconvert", "--to", "script", "book.ipynb"], { cwd: directory, env });
    const bpflab = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
    const text = readFileSync(join(directory, "book.ts"), "utf8");
    writeFileSync(join(directory, "right.ts"), text.replace("nosuch(asked);", ""));
    const right = await execa(process.execPath, [bpflab, "run", join(directory, "right.ts")]);
    assert.equal(right.stdout, "1 true");
    const wrong = await execa(process.execPath, [bpflab, "run", join(directory, "book.ts")], { reject: false });
    assert.equal(wrong.exitCode, 1);
    const line = text.split("\n").indexOf("nosuch(asked);") + 1;
    assert.match(wrong.stderr, new RegExp(`> ${line} \\| nosuch\\(asked\\);`));
  });
});
