/** What the name at the cursor of a C cell stands for. */
import { createRequire } from "node:module";
import { toUtf16 } from "../typescript/positions.js";

const MOST_LINES = 40;

/** @param detail the whole declaration, however long */
export async function inspectBpfCell(code: string, cursor: number, detail: boolean): Promise<string | undefined> {
  const position = toUtf16(code, cursor);
  const first = code.indexOf("\n");
  if (first < 0 || position <= first)
    return "%%bpf NAME [--attach] [--no-load] [--constant key=value]\n\nCompiles the C below, loads it, and defines NAME for the cells below: a handle typed from BTF.";
  // Not import(): while that loads, a cell's require() of kernel-helpers would fail.
  const { explainC } = createRequire(import.meta.url)(
    "../../clang/explain.js",
  ) as typeof import("../../clang/explain.js");
  // The first line is ours; emptied, the lines below keep their numbers.
  const text = await explainC(code.slice(first), position - first);
  const lines = text?.split("\n") ?? [];
  if (detail || lines.length <= MOST_LINES + 1) return text;
  return [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines`].join("\n");
}
