/** Grading: each submission gets its points, those that go beyond a bound end alone, and nothing is left of any. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa, execaSync, type ResultPromise } from "execa";
import { bpf } from "../../dist/api/index.js";
import type { Graded } from "../../dist/grading/results.js";
import { asCsv } from "../../dist/grading/results.js";
import { solutions } from "../notebooks/exercise-solutions.js";
import { until } from "../workload/until.js";

const exercises = fileURLToPath(new URL("../../../notebooks/exercises/", import.meta.url));
const command = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

interface Cell {
  id?: string;
  cell_type: string;
  metadata: Record<string, unknown>;
  source: string | string[];
}

/** A submission of exercise 1, solved, with cells of the student's own before the check. */
async function submission(...extra: string[]): Promise<{ cells: Cell[] }> {
  const notebook = JSON.parse(await readFile(join(exercises, "1-minimal.ipynb"), "utf8")) as { cells: Cell[] };
  const check = notebook.cells.findIndex(({ metadata }) => (metadata["nbgrader"] as { grade?: boolean })?.grade);
  notebook.cells.splice(
    check,
    0,
    ...extra.map((source) => ({ cell_type: "code", metadata: {}, outputs: [], execution_count: null, source })),
  );
  for (const cell of notebook.cells)
    cell.source = [cell.source]
      .flat()
      .join("")
      .replace(/(BEGIN SOLUTION\n)[\s\S]*?([^\n]*END SOLUTION)/, `$1${solutions["1-minimal"]![0]}\n$2`);
  return notebook;
}

/** A cell that runs a program, whatever becomes of it. */
const runs = (...args: string[]) =>
  `import { spawnSync } from "node:child_process";\nspawnSync(${JSON.stringify(args[0])}, ${JSON.stringify(args.slice(1))}).stderr.toString()`;

const isRunning = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

/** Empty for a process that has ended. */
const commandLine = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
};

/** What graders have in the cgroup hierarchies. `find` goes on when a group that it is about to enter goes. */
const cgroups = () => {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , kind]) => /^cgroup2?$/.test(kind ?? ""))
    .map(([, directory]) => directory!);
  const { stdout } = execaSync("find", [...mounts, "-type", "d", "-name", "bpflab-grade-*"], { reject: false });
  return stdout.split("\n").filter((path) => /\/bpflab-grade-\d+$/.test(path));
};

describe("bpflab exercises grade", { timeout: 300_000 }, () => {
  let scratch: string;
  let grades: Map<string, Graded>;
  let foreign: Awaited<ReturnType<typeof bpf.load>>;
  let bystander: ReturnType<typeof spawn>;
  let said: string;
  const link = `blabgr${process.pid}`.slice(0, 14);

  async function put(set: string, notebooks: Record<string, { cells: Cell[] }>): Promise<string> {
    const directory = join(scratch, set);
    for (const [name, notebook] of Object.entries(notebooks)) {
      await mkdir(join(directory, name), { recursive: true });
      await writeFile(join(directory, name, "1-minimal.ipynb"), JSON.stringify(notebook));
    }
    return directory;
  }

  function gradeSet(directory: string, ...options: string[]): ResultPromise {
    const out = `${directory}.csv`;
    return execa(process.execPath, [command, "exercises", "grade", directory, "--out", out, ...options], {
      reject: false,
    });
  }

  const results = async (directory: string) =>
    (JSON.parse(await readFile(`${directory}.json`, "utf8")) as Graded[]).map(
      (grade) => [grade.submission.split("/")[0]!, grade] as [string, Graded],
    );

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "bpflab-grade-test-"));
    execFileSync("ip", ["link", "add", link, "type", "veth", "peer", "name", `${link}p`]);
    bystander = spawn("sleep", ["600"], { stdio: "ignore" });
    foreign = await bpf.load(
      await bpf.compile(
        '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\nSEC("tp/sched/sched_process_exec")\nint seen(void *ctx)\n{\n\treturn 0;\n}\n',
        { name: "foreign" },
      ),
    );
    await foreign.attach();
    const id = readdirSync("/proc/self/fdinfo")
      .map(
        (fd) =>
          /^link_id:\s*(\d+)/m.exec(
            existsSync(`/proc/self/fdinfo/${fd}`) ? readFileSync(`/proc/self/fdinfo/${fd}`, "utf8") : "",
          )?.[1],
      )
      .find((found) => found !== undefined);
    assert.ok(id, "the program is attached by a link");
    // Neither a check of the student's own nor another `exercise` gives points.
    const cheats = await submission("const exercise = { check: () => ({ points: 3 }) };");
    cheats.cells.find(({ metadata }) => (metadata["nbgrader"] as { grade?: boolean } | undefined)?.grade)!.source = "3";
    const wrong = cheats.cells.find(({ source }) => String(source).includes("const answers"))!;
    wrong.source = String(wrong.source).replace('"begins"', '"ends"');
    const touching = await put("touching", {
      deletes: await submission(
        `import { execFileSync } from "node:child_process";\nexecFileSync("ip", ["link", "del", "${link}"])`,
      ),
      detaches: await submission(runs("bpftool", "link", "detach", "id", id)),
      enters: await submission(runs("nsenter", `--net=/proc/${process.pid}/ns/net`, "ip", "link", "del", link)),
      kills: await submission(runs("sh", "-c", `kill -9 ${bystander.pid}`)),
    });
    const set = await put("set", {
      cheats,
      empty: { ...(await submission()), cells: [] },
      forks: await submission(
        'import { spawn } from "node:child_process";\nfor (let i = 0; i < 64; i++) spawn("sleep", ["600"], { stdio: "ignore", detached: true }).on("error", () => {});\nawait new Promise((resolve) => setTimeout(resolve, 5000));',
      ),
      prints: await submission('for (;;) console.log("more and more and more".repeat(100));'),
      solves: await submission(),
      writes: await submission(
        `import { readdirSync, writeFileSync } from "node:fs";\nfor (const path of ["/etc/${link}", "/var/tmp/${link}"]) try { writeFileSync(path, "x"); } catch {}\nfor (const path of ["/tmp/${link}", "here"]) writeFileSync(path, "x");\nif (readdirSync(${JSON.stringify(join(scratch, "set"))}).length > 0) throw new Error("it sees the others");`,
      ),
    });
    const loops = await put("loops", { loops: await submission("for (;;);") });
    const all = await Promise.all([
      gradeSet(touching),
      gradeSet(set, "--processes", "70", "--output", "1"),
      gradeSet(loops, "--seconds", "12"),
    ]);
    said = all.map(({ stdout, stderr }) => `${String(stdout)}\n${String(stderr)}`).join("\n");
    assert.deepEqual(
      all.map(({ exitCode }) => exitCode),
      [0, 0, 0],
      said,
    );
    grades = new Map((await Promise.all([touching, set, loops].map(results))).flat());
  });

  after(async () => {
    bystander?.kill("SIGKILL");
    foreign?.close();
    execFileSync("ip", ["link", "del", link]);
    await rm(scratch, { recursive: true, force: true });
  });

  for (const [name, outcome, detail] of [
    ["deletes", "not its own", /^cell 5 tried to reach the machine's interface blabgr/],
    ["detaches", "not its own", /^bpftool tried BPF_LINK_DETACH on a BPF link that is not its own \(id \d+\)/],
    ["enters", "not its own", /^nsenter tried to enter the machine's namespace net:\[\d+\]/],
    ["kills", "not its own", /^sh tried kill\(\) on a process that is not its own \(\d+\)/],
    ["forks", "too many processes", /^it had 70 processes and threads and began another/],
    ["prints", "too much output", /^its cells gave more than 1 MiB of output/],
    ["loops", "time limit", /^it ran for 12 s/],
  ] as const) {
    test(`one that ${name}: ${outcome}`, () => {
      const grade = grades.get(name)!;
      assert.equal(grade.outcome, outcome, said);
      assert.match(grade.detail, detail);
      assert.match(grade.bounds, /^(cgroup v[12]|limits of each process)$/);
    });
  }

  test("one that writes elsewhere, and looks for the others: neither is to be had, and its own directory and /tmp are its own", () => {
    const { outcome, points, errors } = grades.get("writes")!;
    assert.deepEqual([outcome, points, errors], ["complete", { reached: 3, of: 3 }, []], said);
    for (const directory of ["/etc", "/var/tmp", "/tmp"]) assert.ok(!existsSync(join(directory, link)), directory);
  });

  test("one that solves has all points, step by step", () => {
    const { outcome, points, steps, errors } = grades.get("solves")!;
    assert.deepEqual([outcome, points, errors], ["complete", { reached: 3, of: 3 }, []], said);
    assert.deepEqual(
      steps.map(({ points, passed }) => [points, passed]),
      [
        [1, true],
        [1, true],
        [1, true],
      ],
    );
  });

  test("a check that was changed, or that meets another `exercise`, gives what it gives to all", () => {
    const { outcome, points } = grades.get("cheats")!;
    assert.deepEqual([outcome, points], ["complete", { reached: 2, of: 3 }], said);
  });

  test("an empty notebook has no points", () => {
    const { outcome, points } = grades.get("empty")!;
    assert.deepEqual([outcome, points], ["complete", { reached: 0, of: 3 }], said);
  });

  test("what was not theirs is as it was", () => {
    assert.ok(existsSync(`/sys/class/net/${link}`));
    assert.equal(foreign.attached, true);
    assert.ok(isRunning(bystander.pid!));
  });

  test("a line in the CSV file and a page each, which runs and loads nothing", async () => {
    const lines = (await readFile(join(scratch, "set.csv"), "utf8")).trim().split("\n");
    assert.equal(lines[0], "submission,outcome,points,of,step_1,step_2,step_3,seconds,bounds,detail,page");
    assert.match(
      lines.find((line) => line.startsWith("solves/"))!,
      /^solves\/1-minimal\.ipynb,complete,3,3,1,1,1,[\d.]+,/,
    );
    assert.equal(
      (await readdir(join(scratch, "set"))).filter((file) => file.endsWith(".html")).length,
      lines.length - 1,
    );
    const page = await readFile(join(scratch, "set", "solves-1-minimal.html"), "utf8");
    assert.match(page, /<head><meta http-equiv="Content-Security-Policy" content="default-src 'none';/);
    assert.match(page, /<h1>solves\/1-minimal\.ipynb: 3 of 3 points<\/h1>/);
  });

  test("a name that a spreadsheet would take for a formula is text", () => {
    const line = asCsv([{ ...grades.get("solves")!, submission: '=HYPERLINK("x")' }]).split("\n")[1]!;
    assert.ok(line.startsWith(`"'=HYPERLINK(""x"")",`), line);
  });

  test("interrupted, it ends what it had started", async () => {
    const duration = `600.${process.pid}`; // what tells its process from others
    const sleeper = () =>
      readdirSync("/proc").find((pid) => /^\d+$/.test(pid) && commandLine(pid) === `sleep\0${duration}\0`);
    const set = await put("interrupted", {
      one: await submission(
        `import { spawn } from "node:child_process";\nspawn("sleep", [${JSON.stringify(duration)}], { stdio: "ignore", detached: true });\nfor (;;);`,
      ),
    });
    const mine = new Set(cgroups());
    const grading = gradeSet(set);
    try {
      await until("its cell runs", () => sleeper() !== undefined);
      grading.kill("SIGINT");
      await grading;
      await until("what it started has ended", () => sleeper() === undefined);
      await until("its cgroup is gone", () => cgroups().every((path) => mine.has(path)));
    } finally {
      grading.kill("SIGTERM");
    }
  });
});
