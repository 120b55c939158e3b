import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { BpflabError } from "../base/errors.js";
import { installKernelspec, isKernelspecOf } from "../jupyter/kernelspec.js";
import { jupyterEnvironment, JUPYTER_PREFIX } from "./installation.js";

/** What happens while a notebook runs. Cells are counted as Jupyter's prompts count them, from 1. */
export type Progress =
  | { event: "start"; cell: number; of: number }
  | { event: "done"; cell: number; seconds: number }
  | ({ event: "error" } & CellFailure);

/** Why a notebook did not run to its end. Text from the notebook: escape it before showing it. */
export interface CellFailure {
  /** The cell that failed; 0 if the kernel did before the first. */
  cell: number;
  /** The line in that cell, from 1, where it is known. */
  line?: number | null;
  ename: string;
  evalue: string;
}

// The sources hold what tsc does not copy; from dist/report as from src/report this is the same path.
const SCRIPT = fileURLToPath(new URL("../../src/report/execute.py", import.meta.url));

/**
 * Runs all cells of a notebook in a kernel of its own, top to bottom, up to the first that fails.
 *
 * @param source the notebook, which stays as it is
 * @param target where the notebook with its outputs goes
 * @param options.about what the notebook's metadata get as `bpflab`: the page's cover shows it
 * @returns the failure, if a cell failed or the kernel did
 */
export async function executeNotebook(
  source: string,
  target: string,
  options: { python: string; directory: string; about: object; onProgress?: (progress: Progress) => void },
): Promise<CellFailure | undefined> {
  const { python, directory, about, onProgress } = options;
  // However this process ends, the notebook's kernel is shut down: nbclient does that when it is told to end.
  const command = ["--pdeathsig", "TERM", "--", python, SCRIPT, source, target, directory, JSON.stringify(about)];
  const client = execa("setpriv", command, {
    // The kernel's connection file goes with the rest, even where nobody is left to remove it.
    env: { ...environmentWithKernel(dirname(target)), JUPYTER_RUNTIME_DIR: join(dirname(target), "runtime") },
    stdin: "ignore",
    reject: false,
  });
  let failure: CellFailure | undefined;
  for await (const line of client.iterable()) {
    const progress = JSON.parse(line) as Progress;
    if (progress.event === "error") failure = progress;
    onProgress?.(progress);
  }
  const { exitCode, stderr } = await client;
  if (exitCode !== 0) {
    throw new BpflabError(
      "REPORT",
      `${source} could not be run: ${stderr.trim().split("\n").at(-1) ?? "nbclient failed"}`,
      {
        hint: "`npx bpflab doctor` says what is missing on this machine.",
      },
    );
  }
  return failure;
}

/** With this clone's kernel, also where it lies in somebody else's clone that has another place or Node.js by now. */
function environmentWithKernel(scratch: string): Record<string, string> {
  const environment = jupyterEnvironment();
  if (isKernelspecOf(JUPYTER_PREFIX)) return environment;
  const own = join(scratch, "jupyter");
  installKernelspec(own);
  return { ...environment, JUPYTER_PATH: `${join(own, "share/jupyter")}${delimiter}${environment["JUPYTER_PATH"]}` };
}
