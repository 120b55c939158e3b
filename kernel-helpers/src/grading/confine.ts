import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { BpflabError } from "../base/errors.js";
import { inScratch } from "../base/scratch.js";
import { jupyterEnvironment } from "../report/installation.js";
import type { Notebook } from "../report/notebook.js";

/** How far a submission may go. */
export interface Limits {
  /** In all; s. */
  seconds: number;
  /** Of all its processes together; MiB. */
  memoryMiB: number;
  /** Its processes and threads, those of the notebook's kernel (about 25) included. */
  processes: number;
  /** What its cells may print and show; MiB. */
  outputMiB: number;
  /** Do without cgroups, as on a machine that has none: the memory of each process is bounded, not that of all. */
  withoutCgroups?: boolean;
  /** Files and directories that it does not see, such as other students' submissions. */
  hidden?: readonly string[];
}

/** How a submission ended. */
export type Outcome =
  "complete" | "time limit" | "memory limit" | "too many processes" | "too much output" | "not its own" | "did not run";

/** A submission that has run. */
export interface Confined {
  outcome: Outcome;
  /** In words what it did, when it is not complete. Text from the submission: escape it before showing it. */
  detail: string;
  /** What held it: `cgroup v2`, `cgroup v1` or `limits of each process`. */
  bounds: string;
  seconds: number;
  /** Its cells with their outputs as far as they ran; undefined if there is no such notebook. */
  notebook: Notebook | undefined;
}

// The sources hold what tsc does not copy; from dist/grading as from src/grading this is the same path.
const SCRIPTS = fileURLToPath(new URL("../../src/grading/", import.meta.url));
const TOO_MUCH_OUTPUT = 3;

/**
 * Runs all cells of a notebook in mounts, a network and bounds of its own, and ends all that it started. The machine's
 * files are read-only to it; what it writes goes with it.
 *
 * @param python one with nbclient
 * @throws BpflabError when it cannot be confined
 */
export async function runConfined(notebook: Notebook, limits: Limits, python: string): Promise<Confined> {
  return inScratch("bpflab-grade-", async (scratch) => {
    await writeFile(join(scratch, "source.ipynb"), JSON.stringify(notebook), { mode: 0o600 });
    const settings = {
      seconds: limits.seconds,
      memory_bytes: limits.memoryMiB * 2 ** 20,
      processes: limits.processes,
      rlimits: limits.withoutCgroups ?? false,
    };
    const sizes = [limits.outputMiB * 2 ** 20, settings.memory_bytes].map(String);
    const hidden = (limits.hidden ?? []).filter((path) => existsSync(path));
    const command = [python, join(SCRIPTS, "submission.py"), scratch, ...sizes, ...hidden];
    const { stdout, stderr } = await execa(
      python,
      [join(SCRIPTS, "confine.py"), JSON.stringify(settings), join(scratch, "stderr.txt"), ...command],
      { env: jupyterEnvironment(), stdin: "ignore", reject: false, forceKillAfterDelay: false },
    );
    const said = /^\{.*\}$/m.exec(stdout)?.[0];
    if (said === undefined)
      throw new BpflabError(
        "GRADE",
        `A submission cannot be confined on this machine: ${stderr.trim().split("\n").at(-1) || "it was killed"}.`,
        { hint: "Grading needs root, unshare (util-linux) and seccomp." },
      );
    const { code, ...ended } = JSON.parse(said) as Omit<Confined, "outcome" | "notebook"> & {
      outcome: Outcome | "ended";
      code: number | null;
    };
    const executed = textOf(join(scratch, "executed.ipynb"), (limits.outputMiB + 16) * 4 * 2 ** 20);
    return { ...ended, ...outcomeOf(ended, code, scratch, limits), notebook: parsed(executed) };
  });
}

function outcomeOf(
  ended: { outcome: Outcome | "ended"; detail: string },
  code: number | null,
  scratch: string,
  { outputMiB }: Limits,
): { outcome: Outcome; detail: string } {
  if (ended.outcome !== "ended") return { outcome: ended.outcome, detail: ended.detail };
  if (code === 0) return { outcome: "complete", detail: "" };
  if (code === TOO_MUCH_OUTPUT)
    return { outcome: "too much output", detail: `its cells gave more than ${outputMiB} MiB of output` };
  const lines = textOf(join(scratch, "stderr.txt"), 2 ** 20)
    ?.trim()
    .split("\n");
  const last = lines?.at(-1);
  const detail = last?.includes("DeadKernelError")
    ? "its kernel ended before its cells had run: it ended itself, or needed more memory than JavaScript's heap has"
    : last || `it ended with code ${code}`;
  return { outcome: "did not run", detail };
}

/** A file of the submission's directory, where the submission could put anything: no link is followed, nothing else than a file read. */
function textOf(path: string, most: number): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // it never was, or is a link
  }
  try {
    const stat = fstatSync(file);
    return stat.isFile() && stat.size <= most ? readFileSync(file, "utf8") : undefined;
  } finally {
    closeSync(file);
  }
}

function parsed(text: string | undefined): Notebook | undefined {
  try {
    const notebook = JSON.parse(text ?? "") as Notebook;
    return Array.isArray(notebook.cells) ? notebook : undefined;
  } catch {
    return undefined; // it was being written when the submission ended, or the submission wrote it
  }
}
