import assert from "node:assert/strict";
import { cp, chmod, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const repo = fileURLToPath(new URL("../../../", import.meta.url));
const setup = join(repo, "kernel-helpers/setup");

/** Every path below a directory with the time of its last change. */
async function inventory(directory: string): Promise<string[]> {
  const names = ["", ...(await readdir(directory, { recursive: true }))].sort();
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(directory, name))).mtimeMs}`));
}

test("without root every command says so in one sentence and changes nothing", async () => {
  const clone = await mkdtemp(join(tmpdir(), "bpflab-clone-"));
  try {
    await chmod(clone, 0o777); // so that nothing but the check keeps it from writing
    await cp(setup, join(clone, "kernel-helpers/setup"), { recursive: true });
    await cp(join(repo, "package.json"), join(clone, "package.json"));
    await chmod(join(clone, "kernel-helpers"), 0o777);
    const before = await inventory(clone);
    for (const command of ["start", "test", "report", "build"]) {
      const result = await execa(process.execPath, [join(clone, "kernel-helpers/setup/main.mjs"), command], {
        uid: 65534,
        gid: 65534,
        cwd: clone,
        env: { HOME: clone, XDG_DATA_HOME: clone },
        reject: false,
      });
      assert.equal(result.exitCode, 1, command);
      assert.equal(result.stdout, "", command);
      assert.match(result.stderr, /^bpflab needs root [^\n]+\.$/, command);
    }
    assert.deepEqual(await inventory(clone), before);
  } finally {
    await rm(clone, { recursive: true });
  }
});

test("an unknown command names those there are", async () => {
  const result = await execa(process.execPath, [join(setup, "main.mjs"), "destroy"], { reject: false });
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /^Expected one of build, start, report, [\w:, ]+, test, got destroy\.$/);
});

test("a second run finds everything there and runs nothing", async () => {
  const build = () => execa(process.execPath, [join(setup, "main.mjs"), "build"]);
  await build();
  const log = join(repo, "kernel-helpers/build/setup.log");
  const before = (await stat(log)).mtimeMs;
  const { stdout } = await build();
  const lines = stdout.split("\n");
  assert.equal(lines.length, 8);
  for (const line of lines) assert.match(line, /^✓ .+ already there$/);
  assert.equal((await stat(log)).mtimeMs, before, "no command was run");
});
