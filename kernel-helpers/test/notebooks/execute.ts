import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installKernelspec } from "../../dist/jupyter/kernelspec.js";
import { Executed, type SavedCell } from "./executed.js";

const notebooks = fileURLToPath(new URL("../../../notebooks/", import.meta.url));

/** Runs a notebook of ours from top to bottom, as nbconvert does, in a directory of its own. Fails if a cell does. */
export async function execute(name: string): Promise<Executed> {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-notebook-"));
  try {
    installKernelspec(directory);
    await cp(join(notebooks, name), join(directory, name));
    const env = {
      JUPYTER_PATH: join(directory, "share/jupyter"),
      JUPYTER_CONFIG_DIR: join(directory, "config"),
      JUPYTER_RUNTIME_DIR: join(directory, "runtime"),
      IPYTHONDIR: join(directory, "ipython"),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const { exitCode, all } = await execa(
      "/usr/bin/python3",
      ["-m", "nbconvert", "--to", "notebook", "--execute", "--output", "out.ipynb", name],
      { cwd: directory, env, reject: false, all: true },
    );
    assert.equal(exitCode, 0, all);
    const { cells } = JSON.parse(await readFile(join(directory, "out.ipynb"), "utf8")) as { cells: SavedCell[] };
    return new Executed(cells);
  } finally {
    await rm(directory, { recursive: true });
  }
}
