/** Runs the compiled tests, and looks at what they left behind. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./command.mjs";
import { leftovers, MARK, snapshot } from "./leftovers.mjs";
import { helpers, repo } from "./paths.mjs";

/** A file that hangs fails, with its name, instead of holding up everything. */
const FILE_TIMEOUT_MS = 900_000;

/** The test files that there are sources for, of those whose path holds one of `words` if there are any. */
function testFiles(words) {
  const sources = readdirSync(join(helpers, "test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .sort();
  const chosen = words.length === 0 ? sources : sources.filter((file) => words.some((word) => file.includes(word)));
  if (chosen.length === 0) throw new SetupError(`No test file's path holds ${words.join(" or ")}.`);
  return chosen.map((file) => join(helpers, "dist-test", file.replace(/\.ts$/, ".js")));
}

/** `npm test [-- WORD...]`: returns the exit code. */
export async function runTests(words) {
  const mark = randomUUID();
  const before = await snapshot(mark);
  // One file at a time: the tests share one kernel, and count its events.
  const options = ["--test", "--test-concurrency=1", `--test-timeout=${FILE_TIMEOUT_MS}`, "--test-reporter=spec"];
  const runner = spawn(process.execPath, [...options, ...testFiles(words)], {
    cwd: repo,
    env: { ...process.env, [MARK]: mark },
    stdio: "inherit",
  });
  const [code] = await once(runner, "close");
  const left = await leftovers(before, mark);
  if (left.length > 0) {
    console.error("✗ Left behind by the tests:");
    for (const thing of left) console.error(`  ${thing}`);
    return 1;
  }
  console.log("✓ Nothing is left behind.");
  return code ?? 1;
}
