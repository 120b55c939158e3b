import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { rounds } from "./seeded.js";

const source = fileURLToPath(new URL("../../test/workload/refuse.c", import.meta.url));
const program = fileURLToPath(new URL("refused.js", import.meta.url));

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "bpflab-refusals-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

test("a call that the kernel refuses gives its error, leaves nothing open and the session usable", async () => {
  const library = join(directory, "refuse.so");
  await execa("cc", ["-O2", "-Wall", "-shared", "-fPIC", source, "-o", library, "-ldl"]);
  const control = join(directory, "control");
  writeFileSync(control, Buffer.alloc(64));
  const { stdout } = await execa(process.execPath, [program, control, String(rounds(3, 100))], {
    env: { LD_PRELOAD: library, BPFLAB_REFUSE: control },
  });
  const { refusals, classes, wrong } = JSON.parse(stdout) as {
    refusals: number;
    classes: Record<string, number>;
    wrong: string[];
  };
  console.log(`${refusals} calls refused: ${JSON.stringify(classes)}`);
  assert.deepEqual(wrong, []);
  assert.ok(refusals >= rounds(8, 150), `${refusals} calls were refused`);
});
