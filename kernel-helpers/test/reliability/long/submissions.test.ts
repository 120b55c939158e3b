/** A class's submissions, hostile ones among them, graded by one command, two at a time. Only in the long form. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { Graded } from "../../../dist/grading/results.js";
import { sourceOf, type Notebook } from "../../../dist/report/notebook.js";
import { solutions, solved } from "../../notebooks/exercise-solutions.js";

const exercises = fileURLToPath(new URL("../../../../notebooks/exercises/", import.meta.url));
const command = fileURLToPath(new URL("../../../setup/bpflab.mjs", import.meta.url));

/** What a submission is to come to. */
interface Expected {
  outcome: Graded["outcome"];
  /** All of its points, none of them, or some. */
  points?: "all" | "none" | "some";
}

type Change = (notebook: Notebook) => Notebook;

const edited =
  (from: string | RegExp, to: string): Change =>
  (notebook) => {
    let found = false;
    const cells = notebook.cells.map((cell) => {
      const source = sourceOf(cell);
      const changed = source.replace(from, to);
      found ||= changed !== source;
      return { ...cell, source: changed };
    });
    assert.ok(found, `there is ${String(from)} to change`);
    return { ...notebook, cells };
  };

/** A cell of the student's own, before the check. */
const withCell =
  (source: string): Change =>
  (notebook) => {
    const check = notebook.cells.findIndex(
      ({ metadata }) => (metadata["nbgrader"] as { grade?: boolean } | undefined)?.grade,
    );
    const cell = { cell_type: "code", metadata: {}, source, outputs: [], execution_count: null } as never;
    return { ...notebook, cells: [...notebook.cells.slice(0, check), cell, ...notebook.cells.slice(check)] };
  };

const same: Change = (notebook) => notebook;
const names = Object.keys(solutions);
const all: Expected = { outcome: "complete", points: "all" };
const some: Expected = { outcome: "complete", points: "some" };

/** Name, exercise, what is done to the solved notebook (undefined: its gaps stay open), and what is to come of it. */
const SUBMISSIONS: [string, string, Change | undefined, Expected][] = [
  ...names.map((name): [string, string, Change, Expected] => [`right-${name}`, name, same, all]),
  ...names.map((name): [string, string, undefined, Expected] => [
    `open-${name}`,
    name,
    undefined,
    { outcome: "complete" },
  ]),
  ["other-order", "2-hashmap", edited("u64 *t =", "u64 *t; t ="), all],
  ["no-delete", "2-hashmap", edited("bpf_map_delete_elem(&starts, &id);", ""), some],
  ["other-process", "2-hashmap", edited("if (id >> 32 != my_pid)\n\t\treturn 0;", ""), some],
  ["never-submitted", "3-ringbuf", edited("bpf_ringbuf_submit(e, 0);", "bpf_ringbuf_discard(e, 0);"), some],
  ["twice", "3-ringbuf", edited("act(batch.rows)", "{ act(batch.rows); act(batch.rows); }"), some],
  ["not-atomic-key", "4-stats", edited("{ id >> 32, note->fd }", "{ id >> 32, 0 }"), some],
  ["never-begins-anew", "5-icmp-filter", edited("now - w->begun >= 1000000000", "0"), some],
  ["does-not-compile", "2-hashmap", edited("u64 *t =", "u64 *t = ="), { outcome: "complete", points: "none" }],
  ["throws", "1-minimal", withCell("throw new Error('<img src=x onerror=alert(1)>\\u001b[2J');"), all],
  ["loops", "1-minimal", withCell("for (;;);"), { outcome: "time limit" }],
  [
    "loops-quietly",
    "1-minimal",
    withCell("await new Promise(() => setInterval(() => {}, 1000));"),
    { outcome: "time limit" },
  ],
  ["prints", "1-minimal", withCell('for (;;) console.log("more ".repeat(1000));'), { outcome: "too much output" }],
  [
    "hoards",
    "1-minimal",
    withCell("const hoard = []; for (;;) hoard.push(Buffer.alloc(1 << 24, 1));"),
    { outcome: "memory limit" },
  ],
  [
    "forks",
    "1-minimal",
    withCell(
      'import { spawn } from "node:child_process";\nfor (let i = 0; i < 300; i++) spawn("sleep", ["600"], { stdio: "ignore", detached: true }).on("error", () => {});\nawait new Promise((resolve) => setTimeout(resolve, 20_000));',
    ),
    { outcome: "too many processes" },
  ],
  [
    "forks-in-shell",
    "1-minimal",
    withCell(
      'import { spawnSync } from "node:child_process";\nspawnSync("bash", ["-c", "b() { b | b & }; b; sleep 20"]);',
    ),
    { outcome: "too many processes" },
  ],
  ["kills", "1-minimal", withCell("process.kill(1, 'SIGTERM');"), { outcome: "not its own" }],
  [
    "kills-its-kernel",
    "1-minimal",
    withCell("process.kill(process.pid, 'SIGKILL');"),
    { outcome: "did not run", points: "none" },
  ],
  ["cheats", "1-minimal", edited('await exercise.check("minimal", answers)', "3"), all],
  [
    "cheats-and-errs",
    "1-minimal",
    (notebook) =>
      edited('"process"', '"thread"')(withCell("const exercise = { check: () => ({ steps: [] }) };")(notebook)),
    some,
  ],
  [
    "leaves-a-program",
    "1-minimal",
    withCell('await (await bpf.load("ringbuf")).attach();\nawait net.playground({ peers: 2 });'),
    all,
  ],
];

const jobs = 2;
test(`${SUBMISSIONS.length} submissions, ${jobs} at a time`, async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpflab-submissions-"));
  try {
    for (const [name, exercise, change] of SUBMISSIONS) {
      const given = JSON.parse(await readFile(join(exercises, `${exercise}.ipynb`), "utf8")) as Notebook;
      const notebook = change ? change(solved(given, solutions[exercise]!)) : given;
      await mkdir(join(directory, "set", name), { recursive: true });
      await writeFile(join(directory, "set", name, `${exercise}.ipynb`), JSON.stringify(notebook));
    }
    const begun = performance.now();
    const out = join(directory, "grades.csv");
    const args = ["--out", out, "--jobs", String(jobs), "--seconds", "90", "--output", "2", "--memory", "1500"];
    const { exitCode, all: said } = await execa(
      process.execPath,
      [command, "exercises", "grade", join(directory, "set"), ...args],
      { reject: false, all: true },
    );
    console.log(said);
    console.log(`${SUBMISSIONS.length} submissions in ${Math.round((performance.now() - begun) / 1000)} s`);
    assert.equal(exitCode, 0, said);
    const grades = JSON.parse(await readFile(join(directory, "grades.json"), "utf8")) as Graded[];
    const wrong = SUBMISSIONS.flatMap(([name, , , { outcome, points }]) => {
      const grade = grades.find(({ submission }) => submission.startsWith(`${name}/`))!;
      const { reached, of } = grade.points;
      const is = reached === of ? "all" : reached === 0 ? "none" : "some";
      const isRight = grade.outcome === outcome && (points === undefined || points === is);
      assert.ok(existsSync(join(directory, grade.page)), grade.page);
      return isRight ? [] : [`${name}: ${grade.outcome} (${grade.detail}), ${reached} of ${of}`];
    });
    assert.deepEqual(wrong, []);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
