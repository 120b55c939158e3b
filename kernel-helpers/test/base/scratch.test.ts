import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { afterEach, test } from "node:test";
import { inScratch } from "../../dist/base/scratch.js";
import { childrenUntil } from "../workload/children.js";

const module = new URL("../../dist/base/scratch.js", import.meta.url).href;
const owned = childrenUntil(afterEach);

test("a directory for this user alone, gone when the work is done or has failed", async () => {
  const used: string[] = [];
  const work = async (directory: string) => {
    used.push(directory);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    if (used.length === 2) throw new Error("failed");
    return 7;
  };
  assert.equal(await inScratch("bpflab-test-", work), 7);
  await assert.rejects(inScratch("bpflab-test-", work), /failed/);
  for (const directory of used) assert.equal(existsSync(directory), false, directory);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`an interrupt (${signal}) takes it away`, async () => {
    const code = `import { inScratch } from ${JSON.stringify(module)};
      await inScratch("bpflab-test-", (directory) => new Promise(() => {
        console.log(directory);
        setInterval(() => {}, 1000);
      }));`;
    const child = owned(
      spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    const directory = String((await once(child.stdout, "data"))[0]).trim();
    assert.ok(existsSync(directory));
    child.kill(signal);
    assert.deepEqual(await once(child, "close"), [null, signal]);
    assert.equal(existsSync(directory), false);
  });
}
