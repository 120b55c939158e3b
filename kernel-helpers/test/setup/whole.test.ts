/** A set-up that was killed is whole after the next one; two at once come one after the other. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { execa } from "execa";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";

const setup = (name: string) => new URL(`../../setup/${name}.mjs`, import.meta.url).href;
const { isStamped, stamped } = (await import(setup("stamp"))) as {
  isStamped: (file: string, print: string) => boolean;
  stamped: (file: string, print: () => string, build: (wasWhole: boolean) => Promise<void>) => Promise<void>;
};
const { renameInScripts } = (await import(setup("jupyterlab"))) as {
  renameInScripts: (directory: string, place: string) => void;
};

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), "bpflab-whole-"))));
after(() => rm(directory, { recursive: true }));
const owned = childrenUntil(afterEach);

/** A set-up of one step that runs this command under the lock. */
function aSetup(command: string) {
  const script = `import { runSteps } from ${JSON.stringify(setup("steps"))}; import { run } from ${JSON.stringify(setup("command"))};
    await runSteps([{ title: "step", done: () => false, run: () => run("sh", ["-c", ${JSON.stringify(command)}]) }]);`;
  const env = { BPFLAB_SETUP_LOCK: join(directory, "lock") };
  return owned(execa(process.execPath, ["--input-type=module", "-e", script], { env, reject: false }));
}
const log = () => (existsSync(join(directory, "log")) ? readFileSync(join(directory, "log"), "utf8") : "");

test("a build that is killed has no stamp, also of what was built before", async () => {
  const file = join(directory, "stamp");
  await stamped(
    file,
    () => "one",
    async () => {},
  );
  assert.ok(isStamped(file, "one"));
  await assert.rejects(
    stamped(
      file,
      () => "two",
      () => Promise.reject(new Error("killed")),
    ),
  );
  assert.equal(isStamped(file, "one"), false, "what is there may be half of the second build");
  let wasWhole = true;
  await stamped(
    file,
    () => "one",
    async (whole) => void (wasWhole = whole),
  );
  assert.equal(wasWhole, false);
  assert.ok(isStamped(file, "one"));
});

test("two at once: one waits for the other", async () => {
  const step = (name: string) =>
    `echo ${name} begins >> ${directory}/log; sleep 0.3; echo ${name} ends >> ${directory}/log`;
  await Promise.all([aSetup(step("one")), aSetup(step("two"))]);
  const lines = log().trim().split("\n");
  assert.equal(lines.length, 4);
  for (const i of [0, 2]) assert.equal(lines[i]!.replace("begins", "ends"), lines[i + 1]);
  await rm(join(directory, "log"));
});

test("a command that a killed set-up started still holds the lock: the next waits for it", async () => {
  const killed = aSetup(`echo first begins >> ${directory}/log; sleep 1; echo first ends >> ${directory}/log`);
  await until("it has begun", () => log().includes("first begins"));
  killed.kill("SIGKILL");
  await killed;
  await aSetup(`echo second begins >> ${directory}/log`);
  assert.equal(log(), "first begins\nfirst ends\nsecond begins\n");
});

test("the scripts of a virtual environment name the place that it is moved to", async () => {
  const [made, place] = [join(directory, "environment.new"), join(directory, "environment")];
  await mkdir(join(made, "bin"), { recursive: true });
  const program = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0x00, 0xc3]);
  await writeFile(join(made, "bin/program"), program);
  await writeFile(join(made, "bin/jupyter-lab"), `#!${made}/bin/python3\nimport sys\n`);
  renameInScripts(made, place);
  assert.equal(await readFile(join(made, "bin/jupyter-lab"), "utf8"), `#!${place}/bin/python3\nimport sys\n`);
  assert.deepEqual(await readFile(join(made, "bin/program")), program);
});
