/** What is run of a submission: the student's cells, and the check cells as they were handed out. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NOTEBOOKS } from "../report/installation.js";
import { type Cell, type Notebook, readNotebook, sourceOf } from "../report/notebook.js";

/** nbgrader's mark on a cell. */
interface Mark {
  grade?: boolean;
  grade_id?: string;
  points?: number;
}

/** A cell that gives points. */
export interface Check {
  id: string;
  points: number;
}

const markOf = (cell: Cell): Mark => (cell.metadata["nbgrader"] ?? {}) as Mark;

/** A check takes its functions from bpflab again, whatever a student's cell has put in their place. */
const FRESH = 'import { exercise } from "kernel-helpers";\n';

/** An exercise as it is handed out. */
export interface Original {
  file: string;
  notebook: Notebook;
}

/** All of bpflab's exercises. */
export async function handedOut(): Promise<Original[]> {
  const directory = join(NOTEBOOKS, "exercises");
  const files = (await readdir(directory)).filter((file) => file.endsWith(".ipynb")).sort();
  return Promise.all(files.map(async (file) => ({ file, notebook: await readNotebook(join(directory, file)) })));
}

/** The cells of a notebook that give points. */
function checksOf(notebook: Notebook): Check[] {
  return notebook.cells.flatMap((cell) => {
    const { grade, grade_id: id, points } = markOf(cell);
    return grade === true && typeof id === "string" ? [{ id, points: Number(points) || 0 }] : [];
  });
}

/** The check that a cell is, if it is one. */
export const checkIn = (cell: Cell): string | undefined =>
  markOf(cell).grade === true ? markOf(cell).grade_id : undefined;

/**
 * A submission with its check cells as they were handed out: one that was changed is put right, one that is missing
 * comes to the end. It is known by nbgrader's marks on its cells, else by its file's name; a notebook that is none of ours is checked by its own cells.
 *
 * @returns what to run, and the checks that give its points
 */
export function prepare(
  submission: Notebook,
  file: string,
  originals: readonly Original[],
): { notebook: Notebook; checks: Check[] } {
  const marks = new Set(submission.cells.map((cell) => markOf(cell).grade_id).filter((id) => id !== undefined));
  const isOf = ({ notebook }: Original) => notebook.cells.some((cell) => marks.has(markOf(cell).grade_id ?? ""));
  const original = (originals.find(isOf) ?? originals.find((one) => one.file === file))?.notebook;
  if (!original) return { notebook: submission, checks: checksOf(submission) };
  const checks = checksOf(original);
  const fresh = new Map(
    original.cells
      .filter((cell) => checkIn(cell) !== undefined)
      .map((cell) => [checkIn(cell)!, { ...cell, source: FRESH + sourceOf(cell) }]),
  );
  const cells = submission.cells.flatMap((cell) => {
    const id = markOf(cell).grade_id ?? "";
    const check = fresh.get(id);
    if (check) {
      fresh.delete(id);
      return [check];
    }
    // What a copy of a check, or a mark of the student's own, gave would be counted too.
    return [checkIn(cell) === undefined ? cell : { ...cell, metadata: {} }];
  });
  return { notebook: { ...submission, cells: [...cells, ...fresh.values()] }, checks };
}
