/** A notebook that was saved as a script, as nbconvert and jupytext write it, run without a front end. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bpfMagic } from "../bpf/bpf-cell.js";
import { runMagic } from "../bpf/magics.js";
import { Cell, setRunningCell } from "../interrupt/cell.js";
import { Runner } from "../typescript/runner.js";
import { cellsOfScript, type ScriptCell } from "../typescript/script-cells.js";
import { Tracebacks } from "../typescript/traceback.js";

/**
 * Runs it in its own directory, as a notebook runs. What a cell displays is printed as text; its last value is not.
 *
 * @returns the exit code: 1 if a cell failed, with its traceback on standard error
 * @example
 * process.exitCode = await runScript("03-ringbuf.ts");
 */
export async function runScript(file: string): Promise<number> {
  const path = resolve(file);
  const cells = cellsOfScript(readFileSync(path, "utf8"));
  process.chdir(dirname(path));
  const waiting = setInterval(() => {}, 2 ** 30); // what runs cells keeps no process going
  try {
    return await runCells(cells, file);
  } finally {
    clearInterval(waiting);
  }
}

async function runCells(cells: readonly ScriptCell[], file: string): Promise<number> {
  const tracebacks = new Tracebacks();
  tracebacks.stacks.install();
  const runner = new Runner(tracebacks.stacks);
  const magics = [bpfMagic((cell, source) => runner.run(cell, source))];
  for (const [index, one] of cells.entries()) {
    const id = index + 1;
    const content = { code: codeOf(one), allow_stdin: false };
    const cell = new Cell({ id, type: "execute_request", parent: "{}", content, buffers: [] }, id);
    setRunningCell(cell);
    const outcome = await (runMagic(cell, magics) ?? runner.run(cell));
    cell.end();
    setRunningCell(undefined);
    if (outcome.ok) continue;
    const traceback = tracebacks.describe(outcome.error).traceback.join("\n");
    process.stderr.write(`${inTheFile(traceback, file, id, one)}\n`);
    return 1;
  }
  return 0;
}

const isC = ({ code }: ScriptCell): boolean => code.startsWith("%%");

/** Lines of TypeScript count as in the file. */
function codeOf(cell: ScriptCell): string {
  return isC(cell) ? cell.code : "\n".repeat(cell.line - 1) + cell.code;
}

function inTheFile(traceback: string, file: string, id: number, cell: ScriptCell): string {
  if (isC(cell)) return `${traceback}\n(cell ${id} begins in line ${cell.line} of ${file})`;
  return traceback.replace(/\bcell \[\d+\]/gi, file);
}
