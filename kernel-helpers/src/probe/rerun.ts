import { onCellEnd, type CellRun } from "../base/display.js";
import type { Run } from "./run.js";

// What runs, with the run of a cell that began it: so that rerunning the cell replaces instead of adding.
const begun = new Map<Run, { cell: CellRun; hooks: string }>();
let listening = false;

/**
 * Closes what an earlier run of the same cell began on the same hooks. It is called when the new one is attached, so that
 * no event is missed in between. What the earlier run began on other hooks is closed when this run of the cell has ended:
 * the cell has been edited, or another probe of it is still to come. Whoever joins a run later does not take it over.
 *
 * @param cell the run of the cell that asks; undefined outside a notebook, where nothing is replaced
 * @param hooks the names of its hooks
 */
export function replaceEarlier(run: Run, cell: CellRun | undefined, hooks: string): void {
  if (!cell || run.object.closed) return;
  const before = begun.get(run);
  if (before) {
    if (before.cell.id === cell.id && before.cell.run < cell.run) before.cell = cell; // the cell still wants it
    return;
  }
  for (const [other, by] of begun) {
    if (by.cell.id !== cell.id || by.hooks !== hooks) continue;
    if (by.cell.run > cell.run) return run.close(); // the rerun was faster
    if (by.cell.run < cell.run) other.close();
  }
  begun.set(run, { cell, hooks });
  run.object.onClose(() => begun.delete(run));
  if (!listening) onCellEnd(closeEarlier);
  listening = true;
}

/** Closes what earlier runs of the cell began and this one has neither replaced nor asked for again. */
function closeEarlier({ id, run }: CellRun): void {
  for (const [other, { cell }] of begun) if (cell.id === id && cell.run < run) other.close();
}
