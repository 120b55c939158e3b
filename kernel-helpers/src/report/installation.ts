/** What the set-up made for this clone, as the built code finds it (`setup/paths.mjs` has the writing side). */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const HELPERS = fileURLToPath(new URL("../../", import.meta.url));

/** The clone's top directory. */
export const REPO = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
/** The notebooks that bpflab ships. */
export const NOTEBOOKS = join(REPO, "notebooks");
/** Where reports go unless told otherwise. */
export const REPORTS = join(REPO, "reports");
/** This clone's files, logs among them; ignored by git. */
export const BUILD = join(HELPERS, "build");
/** Kernelspec, JupyterLab settings and nbconvert templates, laid out as Jupyter expects. */
export const JUPYTER_PREFIX = join(BUILD, "jupyter");

/** The JupyterLab that the set-up found or installed. */
export interface JupyterLab {
  /** Program and first arguments. */
  command: string[];
  version: string;
  /** Where it came from, in words. */
  origin: string;
}

/** The JupyterLab that the set-up wrote down, or undefined when there is none (any more). */
export function recordedJupyterLab(): JupyterLab | undefined {
  const record = join(BUILD, "jupyterlab.json");
  if (!existsSync(record)) return undefined;
  const lab = JSON.parse(readFileSync(record, "utf8")) as JupyterLab;
  return lab.command[0] !== undefined && existsSync(lab.command[0]) ? lab : undefined;
}

/** Environment for Jupyter programs: this clone's kernel and settings come before the user's own. */
export function jupyterEnvironment(): Record<string, string> {
  const before = (first: string, rest: string | undefined) => (rest ? `${first}${delimiter}${rest}` : first);
  return {
    JUPYTER_PATH: before(join(JUPYTER_PREFIX, "share/jupyter"), process.env["JUPYTER_PATH"]),
    JUPYTER_CONFIG_PATH: before(join(JUPYTER_PREFIX, "etc/jupyter"), process.env["JUPYTER_CONFIG_PATH"]),
  };
}
