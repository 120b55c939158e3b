/** A class's submissions, hostile ones among them, graded by one command, one after another and two at a time. Only in the long form. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bpf } from "../../../dist/api/index.js";
import { tracefs } from "../../../dist/bpf/link/tracefs.js";
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

/** Text before everything else. */
const withText =
  (source: string): Change =>
  (notebook) => ({ ...notebook, cells: [{ cell_type: "markdown", metadata: {}, source }, ...notebook.cells] });

const same: Change = (notebook) => notebook;
const names = Object.keys(solutions);
const all: Expected = { outcome: "complete", points: "all" };
const notItsOwn: Expected = { outcome: "not its own" };
const some: Expected = { outcome: "complete", points: "some" };

const late: Expected = { outcome: "time limit" };
const shell = (command: string) =>
  withCell(
    `import { spawnSync } from "node:child_process";\nspawnSync("sh", ["-c", ${JSON.stringify(command)}]).stderr.toString()`,
  );

/** What is not theirs, and has to be there afterwards as it was. */
interface Foreign {
  interface: string;
  link: number;
  pid: number;
  /** Where the submissions are. */
  set: string;
}

/** Name, exercise, what is done to the solved notebook (undefined: its gaps stay open), and what is to come of it. */
const submissions = (foreign: Foreign): [string, string, Change | undefined, Expected][] => [
  // Right ones, and one as it was handed out.
  ...names.map((name): [string, string, Change, Expected] => [`right-${name}`, name, same, all]),
  ["open", "2-hashmap", undefined, some],
  ["other-order", "2-hashmap", edited("u64 *t =", "u64 *t; t ="), all],
  ["throws", "1-minimal", withCell("throw new Error('<img src=x onerror=alert(1)>\\u001b[2J');"), all],
  ['<img src=x onerror="alert(1)">\nsecond line', "1-minimal", same, all],
  ["large", "1-minimal", withText("x".repeat(50 * 2 ** 20)), all],
  // Wrong ones.
  ["no-delete", "2-hashmap", edited("bpf_map_delete_elem(&starts, &id);", ""), some],
  ["never-submitted", "3-ringbuf", edited("bpf_ringbuf_submit(e, 0);", "bpf_ringbuf_discard(e, 0);"), some],
  ["not-atomic-key", "4-stats", edited("{ id >> 32, note->fd }", "{ id >> 32, 0 }"), some],
  ["never-begins-anew", "5-icmp-filter", edited("now - w->begun >= 1000000000", "0"), some],
  ["does-not-compile", "2-hashmap", edited("u64 *t =", "u64 *t = ="), { outcome: "complete", points: "none" }],
  // Those that go beyond a bound.
  ["loops", "1-minimal", withCell("for (;;);"), late],
  [
    "promises",
    "1-minimal",
    withCell("const again = () => queueMicrotask(again);\nagain();\nawait new Promise(() => {});"),
    late,
  ],
  ["waits", "1-minimal", withCell("await new Promise(() => setInterval(() => {}, 1000));"), late],
  ["prints", "1-minimal", withCell('for (;;) console.log("more ".repeat(1000));'), { outcome: "too much output" }],
  [
    "hoards",
    "1-minimal",
    withCell("const hoard = []; for (;;) hoard.push(Buffer.alloc(1 << 24, 1));"),
    { outcome: "memory limit" },
  ],
  [
    "fills-the-disk",
    "1-minimal",
    withCell(
      'import { writeFileSync } from "node:fs";\nfor (let i = 0; ; i++) writeFileSync(`/tmp/fill-${i}`, Buffer.alloc(1 << 26, 1));',
    ),
    { outcome: "memory limit" },
  ],
  [
    "forks",
    "1-minimal",
    shell("for i in $(seq 300); do sleep 600 & done; sleep 20"),
    { outcome: "too many processes" },
  ],
  ["forks-itself", "1-minimal", shell("b() { b | b & }; b; sleep 20"), { outcome: "too many processes" }],
  // Those that reach for what is not theirs.
  [
    "deletes-interface",
    "1-minimal",
    withCell(
      `import { execFileSync } from "node:child_process";\nexecFileSync("ip", ["link", "del", "${foreign.interface}"])`,
    ),
    notItsOwn,
  ],
  [
    "attaches-there",
    "5-icmp-filter",
    edited("attach({ interface: lab.interface", `attach({ interface: "${foreign.interface}"`),
    notItsOwn,
  ],
  ["detaches", "1-minimal", shell(`bpftool link detach id ${foreign.link}`), notItsOwn],
  ["kills", "1-minimal", withCell(`process.kill(${foreign.pid}, "SIGKILL");`), notItsOwn],
  ["kills-the-grader", "1-minimal", shell("for pid in $(pgrep -f confine.py); do kill -9 $pid; done"), notItsOwn],
  [
    "kills-its-kernel",
    "1-minimal",
    withCell("process.kill(process.pid, 'SIGKILL');"),
    { outcome: "did not run", points: "none" },
  ],
  [
    "writes-elsewhere",
    "1-minimal",
    shell(`echo x > /etc/${foreign.interface}; rm -rf ${foreign.set}; echo x > /tmp/${foreign.interface}`),
    all,
  ],
  [
    "reads-the-others",
    "1-minimal",
    (notebook) =>
      edited(
        '"process"',
        '"thread"',
      )(
        withCell(
          `import { readdirSync } from "node:fs";\nif (readdirSync("${foreign.set}").length === 0) throw new Error("nobody is there");`,
        )(notebook),
      ),
    some,
  ],
  ["cheats", "1-minimal", edited('await exercise.check("minimal", answers)', "3"), all],
  [
    "cheats-and-errs",
    "1-minimal",
    (notebook) =>
      edited('"process"', '"thread"')(withCell("const exercise = { check: () => ({ steps: [] }) };")(notebook)),
    some,
  ],
  // Those that leave something.
  [
    "leaves-daemons",
    "1-minimal",
    shell(
      "setsid sh -c '(setsid sleep 600 &) &' > /dev/null 2>&1; (trap '' TERM HUP INT; sleep 600) > /dev/null 2>&1 &",
    ),
    all,
  ],
  [
    "leaves-a-program",
    "1-minimal",
    withCell(
      'const left = await bpf.load("ringbuf");\nawait left.attach();\nleft.programs.handle_exit.pin("/sys/fs/bpf/left");\nawait net.playground({ peers: 2 });',
    ),
    all,
  ],
];

/** What is no notebook at all. */
const NO_NOTEBOOKS: [string, string][] = [
  ["no-json", "not { a notebook"],
  ["nothing", ""],
  ["no-cells", '{ "nbformat": 4 }'],
];

/** The id of the one BPF link that this process holds. */
function ownLink(): number {
  const ids = readdirSync("/proc/self/fdinfo").flatMap((fd) => {
    const path = `/proc/self/fdinfo/${fd}`;
    return (existsSync(path) && /^link_id:\s*(\d+)/m.exec(readFileSync(path, "utf8"))?.[1]) || [];
  });
  assert.equal(ids.length, 1, "one link");
  return Number(ids[0]);
}

const PROGRAM = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
SEC("tp/sched/sched_process_exec")
int seen(void *ctx)
{
	return 0;
}
`;

/** Trace buffers of processes that have ended. */
const deadTraces = () => {
  const instances = join(tracefs(), "instances");
  return readdirSync(instances).filter((name) => !existsSync(`/proc/${name.split("-").at(-1)}`));
};

/** Directories of graders, for temporary files and in the cgroup hierarchies. */
async function graders(): Promise<string[]> {
  const { stdout } = await execa("find", ["/sys/fs/cgroup", tmpdir(), "-name", "bpflab-grade-*"], { reject: false });
  return stdout.split("\n").filter((path) => path !== "");
}

for (const jobs of [1, 2])
  test(`a class's submissions, ${jobs} at a time`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "bpflab-submissions-"));
    const bystander = spawn("sleep", ["7200"], { stdio: "ignore" });
    const foreignLink = `blabsub${process.pid}`.slice(0, 14);
    await execa("ip", ["link", "add", foreignLink, "type", "veth", "peer", "name", `${foreignLink}p`]);
    const program = await bpf.load(await bpf.compile(PROGRAM, { name: "foreign" }));
    try {
      await program.attach();
      const set = join(directory, "set");
      const foreign = { interface: foreignLink, link: ownLink(), pid: bystander.pid!, set };
      const SUBMISSIONS = submissions(foreign);
      for (const [name, exercise, change] of SUBMISSIONS) {
        const given = JSON.parse(await readFile(join(exercises, `${exercise}.ipynb`), "utf8")) as Notebook;
        const notebook = change ? change(solved(given, solutions[exercise]!)) : given;
        await mkdir(join(set, name), { recursive: true });
        await writeFile(join(set, name, `${exercise}.ipynb`), JSON.stringify(notebook));
      }
      for (const [name, text] of NO_NOTEBOOKS) {
        await mkdir(join(set, name));
        await writeFile(join(set, name, "1-minimal.ipynb"), text);
      }
      // Links are not followed, whether to a file, to a directory above or to nowhere.
      await symlink(join(set, "right-1-minimal", "1-minimal.ipynb"), join(set, "no-json", "2-hashmap.ipynb"));
      await symlink("..", join(set, "nothing", "above"));
      await symlink("/nowhere", join(set, "nothing", "nowhere.ipynb"));
      const [before, begun] = [[...(await graders()), ...deadTraces()], performance.now()];
      const out = join(directory, "grades.csv");
      const args = ["--out", out, "--jobs", String(jobs), "--seconds", "60", "--output", "2", "--memory", "1500"];
      const { exitCode, all: said } = await execa(process.execPath, [command, "exercises", "grade", set, ...args], {
        reject: false,
        all: true,
      });
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
      for (const [name] of NO_NOTEBOOKS) {
        const grade = grades.find(({ submission }) => submission.startsWith(`${name}/`))!;
        if (grade.outcome !== "did not run") wrong.push(`${name}: ${grade.outcome}`);
      }
      assert.deepEqual(wrong, []);
      assert.equal(grades.length, SUBMISSIONS.length + NO_NOTEBOOKS.length);
      assert.equal(program.attached, true);
      assert.equal(bystander.exitCode ?? bystander.signalCode, null);
      for (const path of [`/sys/class/net/${foreignLink}`, set]) assert.ok(existsSync(path), path);
      for (const path of [`/etc/${foreignLink}`, `/tmp/${foreignLink}`, "/sys/fs/bpf/left"])
        assert.ok(!existsSync(path), path);
      const left = [...(await graders()), ...deadTraces()].filter((thing) => !before.includes(thing));
      assert.deepEqual(left, [], "of what graders make");
    } finally {
      program.close();
      bystander.kill("SIGKILL");
      await execa("ip", ["link", "del", foreignLink]);
      await rm(directory, { recursive: true, force: true });
    }
  });
