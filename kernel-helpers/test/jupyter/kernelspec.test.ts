import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import {
  installKernelspec,
  isKernelspecOf,
  keepKernelspec,
  kernelspec,
  SNAPSHOT,
  snapshotOf,
  V8_OPTIONS,
} from "../../dist/jupyter/kernelspec.js";

test("the kernelspec starts this Node.js with this kernel, which is interrupted by message", () => {
  const prefix = mkdtempSync(join(tmpdir(), "bpflab-kernelspec-"));
  try {
    installKernelspec(prefix);
    const file = join(prefix, "share/jupyter/kernels/bpflab/kernel.json");
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), kernelspec());
  } finally {
    rmSync(prefix, { recursive: true });
  }
  const { argv, interrupt_mode, language, display_name } = kernelspec();
  assert.equal(argv[2], process.execPath);
  assert.equal(argv.at(-1), "{connection_file}");
  assert.deepEqual(
    { interrupt_mode, language, display_name },
    { interrupt_mode: "message", language: "typescript", display_name: "TypeScript (bpflab)" },
  );
});

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

test("a kernel starts with the snapshot of its Node.js, and without one where there is none or Node.js has other options", async () => {
  const launcher = fileURLToPath(new URL("../../setup/kernel.sh", import.meta.url));
  const looks = "process.stdout.write(String(globalThis[Symbol.for('bpflab.kept')]?.files.size > 100))";
  const starts = async (snapshot: string, env = {}) =>
    (await execa("/bin/sh", [launcher, process.execPath, snapshot, ...V8_OPTIONS, "-e", looks], { env })).stdout;
  assert.ok(existsSync(snapshotOf(process.execPath)), "the set-up makes it");
  assert.equal(await starts(SNAPSHOT), "true");
  assert.equal(await starts(`${SNAPSHOT}-of-nobody`), "false");
  assert.equal(await starts(SNAPSHOT, { NODE_OPTIONS: "--max-old-space-size=2000" }), "false");
});
