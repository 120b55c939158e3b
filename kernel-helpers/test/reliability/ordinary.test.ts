/** An ordinary user without any capability, with a home of their own: what works, and what is said of the rest. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { table as makeTable } from "arquero";
import { execa } from "execa";
import { capture } from "../../dist/api/index.js";

const USER = 65_534;
const repo = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");

let place: string;
let home: string;
before(() => {
  place = mkdtempSync(join(tmpdir(), "bpflab-clone-"));
  chmodSync(place, 0o755);
  home = mkdtempSync(join(tmpdir(), "bpflab-home-"));
  chownSync(home, USER, USER);
});
after(() => {
  rmSync(home, { recursive: true });
  rmdirSync(place); // nothing of the clone
});

/** `bpflab` as this user, who sees the clone, read-only, where they may read it. */
async function bpflab(...args: string[]) {
  const drop = [
    "setpriv",
    `--reuid=${USER}`,
    `--regid=${USER}`,
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
  ];
  const command = [...drop, process.execPath, join(place, "kernel-helpers/setup/bpflab.mjs"), ...args];
  return execa(
    "unshare",
    [
      "--mount",
      "sh",
      "-ec",
      'mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; shift 2; cd "$HOME"; exec "$@"',
      "sh",
      repo,
      place,
      ...command,
    ],
    { env: { HOME: home, XDG_CACHE_HOME: "", XDG_RUNTIME_DIR: "" }, reject: false },
  );
}

const cells = (sources: string[]) =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "bpflab", display_name: "TypeScript (bpflab)", language: "typescript" } },
    cells: sources.map((source) => ({ cell_type: "code", metadata: {}, execution_count: null, outputs: [], source })),
  });

test("a report from a capture becomes a page with its charts", async () => {
  const file = join(home, "kept.parquet");
  await capture.save(
    makeTable({ start_ns: [1, 2, 3], duration_ns: [100, 200, 400], comm: ["a", "b", "b"] }) as never,
    file,
  );
  chownSync(file, USER, USER);
  const notebook = join(home, "capture.ipynb");
  writeFileSync(
    notebook,
    cells([
      'import { capture, charts, latency } from "kernel-helpers";\nconst writes = await capture.open("kept.parquet");',
      'charts.histogram(writes, { x: "duration_ns", by: "comm" })',
      'latency.summary(writes, { by: "comm" })',
    ]),
  );
  const { exitCode, stdout, stderr } = await bpflab("report", notebook, "-o", home);
  assert.equal(exitCode, 0, stdout + stderr);
  const page = readFileSync(join(home, "capture.html"), "utf8");
  assert.match(page, /<svg[^>]*>[^]*class="mark-rect/);
  assert.match(page, /bpflab-table/);
});

test("a report that loads a program fails in that cell, which says what is missing", async () => {
  const notebook = join(home, "loads.ipynb");
  writeFileSync(notebook, cells(['import { bpf } from "kernel-helpers";', 'await bpf.load("minimal")']));
  const { exitCode, stderr } = await bpflab("report", notebook, "-o", home);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /cell 2, line 1, failed: NotRootError: Loading .* needs root or CAP_BPF, and this process runs as user 65534/,
  );
});

test("`doctor` looks at all of it and says what is missing for what", async () => {
  const { exitCode, stdout, stderr } = await bpflab("doctor", "--json");
  assert.equal(stderr, "");
  assert.equal(exitCode, 1);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; found: string; fix?: string }[] };
  const check = (name: string) => checks.find((one) => one.name === name)!;
  assert.equal(check("capabilities").found, "user 65534 lacks CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
  assert.match(
    check("capabilities").fix!,
    /CAP_BPF is for loading programs, .*Captures can be opened and drawn without\./,
  );
  for (const name of ["Node.js", "kernel", "BTF", "clang", "libbpf", "addon", "nbconvert"])
    assert.ok(check(name).ok, name);
  assert.match(check("hook raw_tp").found, /CAP_BPF|root/);
});

test("`run` and `clean` say it, too", async () => {
  const asked = await bpflab("run", 'probe("tp/sched/sched_process_exec")', "--seconds", "1");
  assert.equal(asked.exitCode, 1);
  assert.match(asked.stderr, /(needs root or CAP_BPF|tracefs)/);
  assert.doesNotMatch(asked.stderr, /\n\s+at /);
  const cleaned = await bpflab("clean");
  assert.deepEqual([cleaned.exitCode, cleaned.stderr], [0, ""]);
});
