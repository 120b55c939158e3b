import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { net } from "../../dist/api/index.js";
import { atLeast } from "../../dist/base/machine.js";
import { leftBy, RECORDS } from "../reliability/left.js";
import { cgroup } from "../workload/cgroup.js";

const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
const bpflab = (args: string[], env: Record<string, string> = {}) =>
  execa(process.execPath, [entry, ...args], { env, reject: false });

test("the help names every command", async () => {
  const { exitCode, stdout } = await bpflab(["--help"]);
  assert.equal(exitCode, 0);
  for (const command of ["doctor", "install", "lab", "report", "run", "exercises", "prepare", "clean"])
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
  for (const name of ["capabilities", "BTF", "clang", "libbpf", "tracefs", "JupyterLab", "nbconvert"])
    assert.match(stdout, new RegExp(`^[✓–] ${name} `, "m"));
});

test("doctor tries each kind of hook, and says it as JSON too", async () => {
  const { exitCode, stdout } = await bpflab(["doctor", "--json"]);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean; found: string }[] };
  assert.deepEqual([exitCode, ok], [0, true]);
  const hook = (name: string) => checks.find((check) => check.name === `hook ${name}`);
  for (const name of ["tracepoint", "raw_tp", "tp_btf"]) assert.equal(hook(name)?.ok, true, name);
  assert.match(hook("tc, TCX")!.found, /^attaches: ingress of lo \((tcx|clsact)\)$/);
  for (const name of ["kprobe", "kretprobe", "fentry", "lsm"])
    assert.ok(hook(name)!.ok || hook(name)!.found.length > 20, `${name}: ${hook(name)!.found}`);
});

test("clean removes what a killed process left, and says so", async () => {
  const dead = await execa("sh", ["-c", "echo $$"]); // a process id that nobody has any more
  const left = join(tmpdir(), `bpflab-report-${dead.stdout}-abc123`);
  const others = join(tmpdir(), `bpflab-report-${process.pid}-abc123`);
  await Promise.all([left, others].map((path) => mkdir(path)));
  try {
    const { exitCode, stdout } = await bpflab(["clean"]);
    assert.equal(exitCode, 0);
    assert.ok(stdout.includes(`removed ${left}`), stdout);
    assert.deepEqual([left, others].map(existsSync), [false, true], "what a living process uses stays");
  } finally {
    await Promise.all([left, others].map((path) => rm(path, { recursive: true, force: true })));
  }
});

describe("what a process that was killed leaves of each kind goes with clean, which names it", () => {
  /** Runs a script up to its first line, kills it, and returns its process id, that line, and what `clean` says. */
  async function leftAndCleaned(script: string): Promise<{ pid: number; line: string; said: string }> {
    const api = new URL("../../dist/api/index.js", import.meta.url).href;
    const code = `import { bpf, net } from ${JSON.stringify(api)}; ${script}; setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    const line = String((await once(child.stdout, "data"))[0]).trim();
    child.kill("SIGKILL");
    await ended;
    const { exitCode, stdout } = await bpflab(["clean"]);
    assert.equal(exitCode, 0);
    return { pid: child.pid!, line, said: stdout };
  }

  test("test hosts: namespaces, interfaces, record", async () => {
    const { pid, line, said } = await leftAndCleaned("console.log((await net.playground({ peers: 2 })).interface)");
    assert.match(said, new RegExp(`^removed test hosts of process ${pid}: ${line}, bpflab-${pid}-\\d+-switch, `, "m"));
    assert.deepEqual(await leftBy(pid), []);
    assert.ok(!net.interfaces().some(({ name }) => name === line));
  });

  test("trace buffers", async () => {
    const { pid, line, said } = await leftAndCleaned(
      `bpf.tracePipe().subscribe(); setTimeout(() => console.log("reading"), 50)`,
    );
    assert.equal(line, "reading");
    assert.match(said, new RegExp(`^removed trace buffers: bpflab-\\d+-${pid}$`, "m"));
    assert.deepEqual(await leftBy(pid), []);
  });

  test("a control group, and what runs in it", async () => {
    const dead = (await execa("sh", ["-c", "echo $$"])).stdout;
    const { path } = cgroup();
    const group = join(path, `bpflab-grade-${dead}`);
    await mkdir(group);
    const stray = spawn("sleep", ["60"]);
    const ended = once(stray, "exit");
    try {
      await writeFile(join(group, "cgroup.procs"), String(stray.pid));
      const { stdout } = await bpflab(["clean"]);
      assert.ok(stdout.includes(`removed control group ${group}`), stdout);
      assert.deepEqual(await ended, [null, "SIGKILL"]);
      assert.equal(existsSync(group), false);
    } finally {
      stray.kill("SIGKILL");
      await rmdir(group).catch(() => {});
      await rmdir(path);
    }
  });

  test("the draft of a record", async () => {
    const draft = join(RECORDS, ".playground-0.1");
    const owner = {
      pid: process.pid,
      started: "0", // of another process that had this id
      pidNamespace: await readlink("/proc/self/ns/pid"),
      netNamespace: await readlink("/proc/self/ns/net"),
    };
    await mkdir(RECORDS, { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify({ kind: "playground", owner }));
    await bpflab(["clean"]);
    assert.equal(existsSync(draft), false);
  });
});

test("doctor names what is missing, says how to get it, and fails", async () => {
  const { exitCode, stdout } = await bpflab(["doctor"], { PATH: "/nowhere" });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^✗ clang +not found\n +→ apt install clang$/m);
  assert.match(stdout, /^– ip, ping +not found$/m);
});

test("doctor looks at the compiler that CLANG names", async () => {
  const { exitCode, stdout } = await bpflab(["doctor"], { CLANG: "/nowhere/clang-19" });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^✗ clang +\/nowhere\/clang-19, which CLANG names, does not run$/m);
});

test("who has read enough of what doctor prints ends it without a complaint", async () => {
  const reader = 'exec 3>&2; { "$0" "$1" doctor 2>&3; echo "exit code $?" >&3; } | head -n 1';
  const { stdout, stderr } = await execa("sh", ["-c", reader, process.execPath, entry]);
  assert.match(stdout, /^✓ /);
  assert.equal(stderr, "exit code 0");
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

test("exercises new puts a fresh set into a directory, and overwrites nothing", async () => {
  const dir = await mkdtemp(join(tmpdir(), "bpflab-exercises-"));
  try {
    const mine = join(dir, "mine");
    const made = await bpflab(["exercises", "new", mine]);
    assert.equal(made.exitCode, 0, made.stderr);
    assert.match(made.stdout, /^5 exercises are in .*mine\.\nOpen them with: npx bpflab lab /);
    const files = await readdir(mine);
    assert.equal(files.filter((file) => /^[1-5]-.*\.ipynb$/.test(file)).length, 5);
    assert.match(
      await readFile(join(mine, "nbgrader_config.py"), "utf8"),
      /code_stub = \{"typescript": "\/\/ your code here"\}/,
    );
    const again = await bpflab(["exercises", "new", mine]);
    assert.equal(again.exitCode, 1);
    assert.match(
      again.stderr,
      /mine has 1-minimal\.ipynb, .*nbgrader_config\.py already, which would be overwritten\.\nName a new directory\./,
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
