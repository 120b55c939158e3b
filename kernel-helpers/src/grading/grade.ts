import { readdirSync } from "node:fs";
import { basename } from "node:path";
import type { Step } from "../exercises/result.js";
import { type Notebook, type Output, readNotebook } from "../report/notebook.js";
import { type Confined, type Limits, runConfined } from "./confine.js";
import { type Check, checkIn, type Original, prepare } from "./prepare.js";

/** What a submission is worth. Texts are the submission's: escape them before showing them. */
export interface Grade extends Confined {
  /** The notebook's path below the directory that was graded. */
  submission: string;
  points: { reached: number; of: number };
  /** In the order of the notebook's checks; a check that gave no result is one step without points. */
  steps: Step[];
  /** Cells that failed, counted as Jupyter's prompts count them, from 1. */
  errors: { cell: number; ename: string; evalue: string }[];
}

const RESULT = "application/vnd.bpflab.exercise+json";

/** Runs one submission confined, and counts its points. */
export async function grade(
  path: string,
  {
    submission,
    originals,
    limits,
    python,
  }: {
    submission: string;
    originals: readonly Original[];
    limits: Limits;
    python: string;
  },
): Promise<Grade> {
  let given: Notebook;
  try {
    given = await readNotebook(path);
  } catch (error) {
    const none = { bounds: "none", seconds: 0, notebook: undefined, steps: [], errors: [] };
    return {
      submission,
      outcome: "did not run",
      detail: (error as Error).message.split("\n")[0]!, // without the hint
      points: { reached: 0, of: 0 },
      ...none,
    };
  }
  const { notebook, checks } = prepare(given, basename(path), originals);
  const confined = await runConfined(notebook, limits, python);
  const steps = checks.flatMap((check) => stepsOf(check, confined));
  const errors = confined.notebook ? errorsOf(confined.notebook) : [];
  const of = checks.reduce((sum, { points }) => sum + points, 0);
  const reached = Math.min(
    of,
    steps.reduce((sum, { points, passed }) => sum + (passed ? points : 0), 0),
  );
  return { submission, ...confined, ...touched(confined, errors), points: { reached, of }, steps, errors };
}

/** The steps of a check, as its cell showed them. */
function stepsOf({ id, points }: Check, { notebook, outcome }: Confined): Step[] {
  const outputs = notebook?.cells.find((cell) => checkIn(cell) === id)?.outputs ?? [];
  const shown = outputs.find(({ output_type, data }) => output_type === "execute_result" && data?.[RESULT])?.data;
  const steps = (shown?.[RESULT] as { steps?: unknown } | undefined)?.steps;
  if (Array.isArray(steps) && steps.every(isStep)) return steps;
  const failed = outputs.some(({ output_type }) => output_type === "error");
  const why = failed
    ? "The check's cell failed."
    : outcome === "complete"
      ? "The check's cell gave no result."
      : "The check was not reached.";
  return [{ name: id, points, passed: false, message: why }];
}

function isStep(value: unknown): value is Step {
  const { name, points, passed, message } = (value ?? {}) as Record<keyof Step, unknown>;
  return (
    typeof name === "string" &&
    typeof points === "number" &&
    points >= 0 &&
    typeof passed === "boolean" &&
    (message === undefined || typeof message === "string")
  );
}

function errorsOf({ cells }: Notebook): Grade["errors"] {
  const isError = ({ output_type }: Output) => output_type === "error";
  const withCode = cells.filter(({ cell_type, source }) => cell_type === "code" && String(source).trim() !== "");
  return withCode.flatMap(({ outputs = [] }, i) =>
    outputs
      .filter(isError)
      .slice(0, 1)
      .map(({ ename, evalue }) => ({ cell: i + 1, ename: String(ename), evalue: String(evalue) })),
  );
}

/** It has a network of its own, where the machine's interfaces are not: that it asked for one is said all the same. */
function touched({ outcome }: Confined, errors: Grade["errors"]): Partial<Pick<Grade, "outcome" | "detail">> {
  if (outcome !== "complete") return {};
  const machine = readdirSync("/sys/class/net").filter((name) => name !== "lo");
  for (const { cell, evalue } of errors) {
    const name = /(?:Cannot find device|There is no network interface) "([^"]+)"/.exec(evalue)?.[1];
    if (name !== undefined && machine.includes(name))
      return { outcome: "not its own", detail: `cell ${cell} tried to reach the machine's interface ${name}` };
  }
  return {};
}
