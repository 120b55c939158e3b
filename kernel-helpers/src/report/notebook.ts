import { readFile } from "node:fs/promises";
import { BpflabError } from "../base/errors.js";

/** A notebook's file, as far as reports look into it (nbformat 4). */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  metadata: { tags?: string[]; [key: string]: unknown };
  source: string | string[];
  outputs?: Output[];
  [key: string]: unknown;
}

export interface Output {
  output_type: string;
  data?: Record<string, unknown>;
  [key: string]: unknown;
}

/** @throws BpflabError when the file is not a notebook */
export async function readNotebook(path: string): Promise<Notebook> {
  try {
    const notebook = JSON.parse(await readFile(path, "utf8")) as Notebook;
    if (!Array.isArray(notebook.cells)) throw new Error("it has no cells");
    return notebook;
  } catch (error) {
    throw new BpflabError("REPORT", `${path} is not a notebook: ${(error as Error).message}.`, {
      hint: "A notebook is a .ipynb file as Jupyter saves it.",
      cause: error,
    });
  }
}

/** A cell's text, which the format allows to be split into lines. */
export function sourceOf(cell: Cell): string {
  return Array.isArray(cell.source) ? cell.source.join("") : cell.source;
}
