import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { atLeast } from "../../dist/cli/checks.js";

const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
const bpflab = (args: string[], env: Record<string, string> = {}) =>
  execa(process.execPath, [entry, ...args], { env, reject: false });

test("the help names every command", async () => {
  const { exitCode, stdout } = await bpflab(["--help"]);
  assert.equal(exitCode, 0);
  for (const command of ["doctor", "install", "lab", "report", "run", "prepare"])
    assert.match(stdout, new RegExp(`^  ${command}\\b`, "m"));
});

test("an unknown command and a wrong option are refused", async () => {
  const unknown = await bpflab(["frobnicate"]);
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stderr, /unknown command 'frobnicate'/);
  const port = await bpflab(["lab", "--port", "70000"]);
  assert.equal(port.exitCode, 1);
  assert.match(port.stderr, /Expected a port from 1 to 65535/);
});

test("doctor finds this machine fit", async () => {
  const { exitCode, stdout } = await bpflab(["doctor"]);
  assert.equal(exitCode, 0, stdout);
  for (const name of ["root", "BTF", "clang", "libbpf", "tracefs", "TCX", "JupyterLab", "nbconvert"])
    assert.match(stdout, new RegExp(`^[✓–] ${name} `, "m"));
});

test("doctor names what is missing, says how to get it, and fails", async () => {
  const { exitCode, stdout } = await bpflab(["doctor"], { PATH: "/nowhere" });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^✗ clang +not found\n +→ apt install clang$/m);
  assert.match(stdout, /^– ip, ping +not found$/m);
});

test("versions compare by number", () => {
  assert.ok(atLeast("6.18.44-cloud", 6, 6));
  assert.ok(atLeast("10.0.1", 6, 6));
  assert.ok(!atLeast("6.5.0", 6, 6));
});

test("install refuses a prefix that cannot be one, in one sentence", async () => {
  const { exitCode, stderr } = await bpflab(["install", "--prefix", "/dev/null"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /^\/dev\/null\/share\S* cannot be used: not a directory \(ENOTDIR\)\.$/);
});

test("install makes the kernel known below a prefix", async () => {
  const prefix = await mkdtemp(join(tmpdir(), "bpflab-prefix-"));
  try {
    const { exitCode, stdout } = await bpflab(["install", "--prefix", prefix]);
    assert.equal(exitCode, 0);
    const directory = join(prefix, "share/jupyter/kernels/bpflab");
    assert.ok(stdout.includes(directory));
    const spec = JSON.parse(await readFile(join(directory, "kernel.json"), "utf8")) as { display_name: string };
    assert.equal(spec.display_name, "TypeScript (bpflab)");
  } finally {
    await rm(prefix, { recursive: true });
  }
});
