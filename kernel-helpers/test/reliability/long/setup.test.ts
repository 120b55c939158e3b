/** The set-up of a fresh clone, killed at random moments again and again: what is there in the end is whole. Only in the long form. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { seeded } from "../seeded.js";

const repo = fileURLToPath(new URL("../../../../", import.meta.url));
const KILLS = 30;
/** How many of the steps are killed, if they do not end first; so each is killed some times, and in the end passes. */
const SHARE = 0.8;
/** Seconds from a step's beginning until the kill; each order of magnitude is as likely as the next. */
const [SHORTEST, LONGEST] = [0.03, 30];

let directory: string;
const running = new Set<() => void>();
before(async () => void (directory = await mkdtemp(join(tmpdir(), "bpflab-setup-"))));
after(async () => {
  for (const kill of running) kill();
  await rm(directory, { recursive: true, force: true });
});

/** Lays down what a clone of this repository has, with nothing built, and no user's directories. */
async function freshClone(): Promise<string> {
  for (const name of ["clone", "user"]) await rm(join(directory, name), { recursive: true, force: true });
  const { stdout } = await execa("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: repo,
  });
  for (const file of stdout.split("\0").filter(Boolean)) {
    await mkdir(dirname(join(directory, "clone", file)), { recursive: true });
    await copyFile(join(repo, file), join(directory, "clone", file));
  }
  return join(directory, "clone");
}

/** Starts a command of the clone's, in a process group of its own. `onLine`: each line that it prints. */
function start(clone: string, command: string[], onLine: (line: string) => void = () => {}) {
  const child = spawn(process.execPath, ["kernel-helpers/setup/main.mjs", ...command], {
    cwd: clone,
    env: {
      ...process.env,
      npm_config_cache: join(directory, "user/npm"),
      XDG_CACHE_HOME: join(directory, "user/cache"),
      XDG_DATA_HOME: join(directory, "user/data"),
      BPFLAB_SETUP_LOCK: join(directory, "lock"),
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kill = () => void process.kill(-child.pid!, "SIGKILL");
  running.add(kill);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on("line", (line) => {
      output += `${line}\n`;
      onLine(line);
    });
  const ended = once(child, "close").then(([code, signal]: unknown[]) => {
    running.delete(kill);
    return { code, signal, output };
  });
  return { kill, ended };
}

/** All steps of the set-up, JupyterLab included; then no more than a page of help. */
const setUp = (clone: string, onLine?: (line: string) => void) => start(clone, ["start", "--help"], onLine);

/** The set-up has nothing to do, and what it made runs a notebook and is a JupyterLab. */
async function assertWhole(clone: string): Promise<void> {
  const again = await setUp(clone).ended;
  assert.equal(again.code, 0, again.output);
  const steps = again.output.split("\n").filter((line) => /^[·✓✗]/.test(line));
  assert.equal(steps.length, 9, again.output);
  for (const line of steps) assert.match(line, /^✓ .+ already there$/);
  const report = await start(clone, ["report", "notebooks/01-minimal.ipynb"]).ended;
  assert.equal(report.code, 0, report.output);
  const doctor = await execa(process.execPath, [join(clone, "kernel-helpers/setup/bpflab.mjs"), "doctor", "--json"], {
    env: { XDG_CACHE_HOME: join(directory, "user/cache"), XDG_DATA_HOME: join(directory, "user/data") },
  });
  assert.equal((JSON.parse(doctor.stdout) as { ok: boolean }).ok, true, doctor.stdout);
}

test("a set-up that was killed 30 times is whole after the next one", { timeout: 3 * 3600_000 }, async () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  let clone = await freshClone();
  let kills = 0;
  while (kills < KILLS) {
    let timer: NodeJS.Timeout | undefined;
    let where = "";
    const { kill, ended } = setUp(clone, (line) => {
      clearTimeout(timer); // the step before it has ended
      if (!line.startsWith("·") || random() > SHARE) return;
      const seconds = SHORTEST * (LONGEST / SHORTEST) ** random();
      where = `${seconds.toFixed(2)} s after ${line}`;
      timer = setTimeout(kill, seconds * 1000);
    });
    const { code, signal, output } = await ended;
    clearTimeout(timer);
    if (signal === "SIGKILL") {
      console.log(`${++kills}: ${where}`);
    } else {
      assert.equal(code, 0, output);
      await assertWhole(clone);
      clone = await freshClone();
    }
  }
  const last = await setUp(clone).ended;
  assert.equal(last.code, 0, last.output);
  await assertWhole(clone);
});

test("a clone that was moved is whole after two set-ups at once", { timeout: 3600_000 }, async () => {
  const moved = join(directory, "moved");
  await rename(join(directory, "clone"), moved);
  const both = await Promise.all([setUp(moved).ended, setUp(moved).ended]);
  for (const { code, output } of both) assert.equal(code, 0, output);
  await assertWhole(moved);
});
