/** Cells in another language: a first line `%%NAME …` hands the cell to what is registered under the name. */
import type { Cell } from "../interrupt/cell.js";
import { UnknownMagicError } from "../kernel-errors.js";
import type { Outcome } from "../typescript/runner.js";

/** A kind of cell that is not TypeScript. */
export interface CellMagic {
  readonly name: string;
  /** Runs the cell. @param args what follows the name on the first line; @param body the lines below it */
  run(cell: Cell, args: string, body: string): Promise<Outcome>;
}

const firstLine = /^%%(\w+)[^\S\n]*(.*?)\s*(?:\n|$)/;

/** Runs a cell that begins with `%%`; undefined for any other cell. */
export function runMagic(cell: Cell, known: readonly CellMagic[]): Promise<Outcome> | undefined {
  const match = firstLine.exec(cell.code);
  if (!match) return undefined;
  const [line, name, args] = match;
  const magic = known.find((one) => one.name === name);
  if (!magic)
    return Promise.resolve({
      ok: false,
      error: new UnknownMagicError(
        name!,
        known.map((one) => one.name),
      ),
    });
  return magic.run(cell, args!, cell.code.slice(line.length));
}
