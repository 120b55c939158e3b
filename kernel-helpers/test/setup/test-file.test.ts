import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execa } from "execa";
import { until } from "../workload/until.js";

const place = (name: string) => new URL(`../../setup/${name}.mjs`, import.meta.url).href;
const { runTestFile } = (await import(place("test-file"))) as {
  runTestFile: (
    file: string,
    how: { name: string; mark: string; onOutput: (text: string) => void },
  ) => Promise<{ passed: number; failed: string[] }>;
};

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), "bpflab-runner-"))));
after(() => rm(directory, { recursive: true }));

/** Runs these lines as a test file; what became of it, and what it printed. */
async function run(lines: string) {
  const file = join(directory, "one.test.mjs");
  await writeFile(
    file,
    `import { after, describe, test } from "node:test"; import { spawn } from "node:child_process";\n${lines}`,
  );
  let output = "";
  const { passed, failed } = await runTestFile(file, {
    name: "one",
    mark: `runner-${process.pid}`,
    onOutput: (text) => (output += text),
  });
  return { passed, failed, output };
}

test("tests that pass and fail are counted one by one, wherever they stand", async () => {
  const { passed, failed, output } = await run(`
    test("good", () => {});
    describe("some", () => {
      test("bad", () => { throw new Error("on purpose"); });
      test("with parts", async (t) => { await t.test("good part", () => {}); await t.test("bad part", () => { throw 1; }); });
    });`);
  assert.deepEqual({ passed, failed }, { passed: 2, failed: ["bad", "bad part"] });
  assert.match(output, /✔ good/);
  assert.match(output, /on purpose/);
});

test("a hook that fails, a file that does not load, an early exit and a skipped test are failures", async () => {
  assert.deepEqual(
    (await run(`describe("some", () => { after(() => { throw 1; }); test("good", () => {}); });`)).failed,
    ["some"],
  );
  assert.match((await run("import './nowhere.mjs';")).failed.join(), /its process ended with exit code 1/);
  assert.match(
    (
      await run(
        "test('good', () => {}); setTimeout(() => process.exit(3), 200); test('long', () => new Promise(() => setInterval(() => {}, 1000)));",
      )
    ).failed.join(),
    /./,
  );
  assert.match(
    (await run("test('killed', () => process.kill(process.pid, 'SIGKILL'));")).failed.join(),
    /its process was ended by SIGKILL/,
  );
  assert.deepEqual((await run("test('another day', { skip: true }, () => {});")).failed, ["another day"]);
});

test("a process that is left running fails the file and is ended, its children too", async () => {
  const { passed, failed } = await run(`test("leaves one", () => {
    spawn("sh", ["-c", "sleep 601 & exec sleep 602"], { detached: true, stdio: "inherit" }).unref();
  });`);
  assert.equal(passed, 1);
  assert.deepEqual(failed.map((what) => what.replace(/\d+/, "PID")).sort(), [
    "it left process PID running: sleep 601 ",
    "it left process PID running: sleep 602 ",
  ]);
});

test("when the runner is killed, all that its tests started goes", async () => {
  const test = join(directory, "long.test.mjs");
  await writeFile(
    test,
    `import { test } from "node:test"; import { spawn } from "node:child_process"; import { writeFileSync } from "node:fs";
    test("long", () => { writeFileSync(${JSON.stringify(`${test}.pid`)}, String(spawn("sleep", ["603"], { detached: true }).pid)); return new Promise(() => setInterval(() => {}, 1000)); });`,
  );
  const runner = execa(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { endWithThis } from ${JSON.stringify(place("reaper"))}; import { runTestFile } from ${JSON.stringify(place("test-file"))};
      endWithThis("runner-end-${process.pid}");
      await runTestFile(${JSON.stringify(test)}, { name: "long", mark: "runner-end-${process.pid}/0", onOutput() {} });`,
    ],
    { reject: false },
  );
  let pid = 0;
  await until(
    "the test has started a process",
    async () => (pid = Number(await readFile(`${test}.pid`, "utf8").catch(() => 0))) > 0,
  );
  runner.kill("SIGKILL");
  await runner;
  await until("it goes", () => !existsSync(`/proc/${pid}`));
});
