/** Where things are: in this clone, and in the user's data directory that all clones share. */
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The clone's top directory. */
export const repo = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** The package that notebooks import. */
export const helpers = join(repo, "kernel-helpers");
/** What the set-up makes for this clone alone: log, kernelspec, JupyterLab's settings. Ignored by git. */
export const build = join(helpers, "build");
/** libbpf's headers and library, where the distribution's is too old. Ignored by git. */
export const builtLibbpf = join(repo, "native/libbpf");
/** Every command of the last set-up that had something to do, with its output. */
export const logFile = join(build, "setup.log");
/** What JupyterLab starts with, as Jupyter lays it out: share/jupyter/kernels, etc/jupyter/labconfig. */
export const jupyterPrefix = join(build, "jupyter");
/** Which JupyterLab this clone uses: { command, version, origin, candidate }. */
export const jupyterLabRecord = join(build, "jupyterlab.json");
/** The command line, built: as an executable, and as a module with `main(args)`. */
export const cli = join(helpers, "dist/cli/main.js");
export const program = join(helpers, "dist/cli/commands.js");

/** The user's directory for what is large and the same for every clone. */
export const dataDirectory = join(process.env.XDG_DATA_HOME || join(homedir(), ".local/share"), "bpflab");
