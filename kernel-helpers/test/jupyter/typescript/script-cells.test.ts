import assert from "node:assert/strict";
import { test } from "node:test";
import { cellsOfScript } from "../../../dist/jupyter/typescript/script-cells.js";

const C = `%%bpf counter --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

enum mode { OFF, ON };

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{

	return 0;
}`;
const TYPESCRIPT = "const n: number = counter.globals.calls;\n\nconsole.log(`\n\n%d`, n);";

test("what nbconvert writes is TypeScript but for the cells in C, which end where TypeScript begins", () => {
  const script = `let a = 1;\n\n${C}\n\n${TYPESCRIPT}\n\n${C.replace("counter", "other")}\n\n${C.replace("counter", "third")}\n`;
  assert.deepEqual(
    cellsOfScript(script).map(({ code, line }) => [code.split("\n")[0], line]),
    [
      ["let a = 1;", 1],
      ["%%bpf counter --attach", 3],
      ["const n: number = counter.globals.calls;", 16],
      ["%%bpf other --attach", 22],
      ["%%bpf third --attach", 35],
    ],
  );
  assert.equal(cellsOfScript(script)[1]!.code, C);
  assert.equal(cellsOfScript(script)[2]!.code, TYPESCRIPT);
});

test("jupytext's markers part the cells, its text is left out, and C comes out of its comment", () => {
  const script = `// ---\n// jupyter:\n//   kernelspec:\n//     name: bpflab\n// ---\n\n// %% [markdown]\n// # Title\n\n// %%\nlet a = 1;\n\n// %% tags=["x"]\n// ${C}\n\n// %%\n${TYPESCRIPT}\n`;
  const cells = cellsOfScript(script).map(({ code }) => code);
  assert.deepEqual(cells.slice(-3), ["let a = 1;", C, TYPESCRIPT]);
  assert.ok(cells.slice(0, -3).every((code) => code.split("\n").every((line) => line.startsWith("//"))));
});

test("a script without C is one cell, and nothing is none", () => {
  assert.deepEqual(cellsOfScript("\uFEFFlet a = 1;\n\na;\n"), [{ code: "let a = 1;\n\na;", line: 1 }]);
  assert.deepEqual(cellsOfScript("\n\n"), []);
});
