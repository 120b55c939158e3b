import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isKernelspecOf, keepKernelspec, kernelspec } from "../../dist/jupyter/kernelspec.js";

test("a clone that was copied or moved makes the kernel its own", () => {
  const prefix = mkdtempSync(join(tmpdir(), "bpflab-kernelspec-"));
  const file = join(prefix, "share/jupyter/kernels/bpflab/kernel.json");
  try {
    assert.equal(isKernelspecOf(prefix), false);
    keepKernelspec(prefix);
    assert.equal(isKernelspecOf(prefix), true);
    // As the copy finds it: the kernel of the clone that it was copied from.
    const elsewhere = readFileSync(file, "utf8").replace(
      /"[^"]*main\.js"/,
      '"/elsewhere/kernel-helpers/dist/jupyter/main.js"',
    );
    for (const found of [elsewhere, elsewhere.slice(0, 100)]) {
      writeFileSync(file, found);
      assert.equal(isKernelspecOf(prefix), false);
      keepKernelspec(prefix);
      assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), kernelspec());
    }
  } finally {
    rmSync(prefix, { recursive: true });
  }
});
