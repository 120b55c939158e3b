/** Jupyter's own client against this clone's kernel: tests in Python, which talk to it as front ends do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { installKernelspec } from "../../dist/jupyter/kernelspec.js";

/** Debian's Python has jupyter_client; another one on PATH may not. */
export const PYTHON = "/usr/bin/python3";
const harness = fileURLToPath(new URL("../../test/jupyter/harness.py", import.meta.url));

/** A directory with the kernelspec, gone after the file's tests, and the environment in which Jupyter knows only that one. */
export function jupyter(): { prefix: string; env: Record<string, string> } {
  const prefix = mkdtempSync(join(tmpdir(), "bpflab-kernel-"));
  after(() => rmSync(prefix, { recursive: true, force: true }));
  installKernelspec(prefix);
  const env = {
    JUPYTER_PATH: join(prefix, "share", "jupyter"),
    JUPYTER_CONFIG_DIR: join(prefix, "config"),
    JUPYTER_RUNTIME_DIR: join(prefix, "runtime"),
    IPYTHONDIR: join(prefix, "ipython"),
    PYTHONDONTWRITEBYTECODE: "1",
  };
  return { prefix, env };
}

/**
 * A test that runs Python files of this folder, all in one process.
 *
 * @param files their names without .py; @param atLeast how many tests they have together, or more
 */
export function testInPython(files: readonly string[], atLeast: number): void {
  const { env } = jupyter();
  test(`${files.join(", ")} through Jupyter's client`, { timeout: 400_000 }, async () => {
    const { all, exitCode } = await execa(PYTHON, [harness, "-v", ...files], { env, reject: false, all: true });
    assert.equal(exitCode, 0, all);
    assert.doesNotMatch(all, /skipped/);
    const ran = Number(/^Ran (\d+) tests?/m.exec(all)?.[1]);
    assert.ok(ran >= atLeast, `${ran} tests ran, ${atLeast} or more were expected:\n${all}`);
  });
}
