/** Runs the compiled tests, lane by lane, and looks at what they left behind. */
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { SetupError } from "./command.mjs";
import { inLanes } from "./lanes.mjs";
import { endMarked, leftovers, MARK, snapshot } from "./leftovers.mjs";
import { helpers } from "./paths.mjs";
import { endWithThis } from "./reaper.mjs";
import { runTestFile } from "./test-file.mjs";

/** What takes minutes and more, and is run by `npm run test:reliability` alone. */
const LONG = "reliability/long/";

/** The tests that there are sources for, of those whose path holds one of `words` if there are any. */
function testNames(words) {
  const files = readdirSync(join(helpers, "test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts") && (process.env.BPFLAB_RELIABILITY || !file.startsWith(LONG)))
    .sort();
  const chosen = words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)));
  if (chosen.length === 0) throw new SetupError(`No test file's path holds ${words.join(" or ")}.`);
  return chosen.map((file) => file.replace(/\.test\.ts$/, ""));
}

/** An order that looks like none, the same for the same seed. */
function shuffled(names, seed) {
  const rank = (name) => createHash("sha256").update(`${seed}\0${name}`).digest("hex");
  return names
    .map((name) => [rank(name), name])
    .sort()
    .map(([, name]) => name);
}

/** @returns {Promise<{ name: string, passed: number, failed: string[] }[]>} what became of each file */
async function runLane({ name: lane, why, atATime, prefix, around, names }, mark) {
  const how = atATime === 1 ? "one after another" : `${atATime} at a time`;
  console.log(`\n━━ ${lane}: ${names.length === 1 ? "1 file" : `${names.length} files, ${how}`} (${why})`);
  // One file alone starts by itself what a lane's files share.
  const shared = around && names.length > 1 ? await startShared(around, `${mark}/${lane}/shared`) : undefined;
  const waiting = names.entries();
  const ended = [];
  const work = async () => {
    for (const [index, name] of waiting) {
      const output = outputOf(name, atATime > 1);
      const file = join(helpers, "dist-test", `${name}.test.js`);
      const how = { name, mark: `${mark}/${lane}/${index}`, env: shared?.env, prefix, onOutput: output.write };
      const result = await runTestFile(file, how);
      output.end(result);
      ended.push(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: atATime }, work));
  } finally {
    await shared?.stop();
  }
  return ended;
}

/** Starts what a lane's files share. It says on its first line what they need, and ends with its standard input. */
async function startShared(module, mark) {
  const child = spawn(process.execPath, [module], {
    env: { ...process.env, [MARK]: mark },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  return {
    env: { BPFLAB_TEST_SHARED: String(line) },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** What a file prints, as it comes; but all at once when it has ended if others print at the same time. */
function outputOf(name, together) {
  const head = `\n─ ${name}\n`;
  let text = head;
  if (!together) process.stdout.write(head);
  return {
    write: (part) => {
      if (together) text += part;
      else process.stdout.write(part);
    },
    end: ({ passed, failed, seconds }) => {
      if (together) process.stdout.write(text);
      console.log(`  ${passed} passed, ${failed.length} failed, ${seconds.toFixed(1)} s`);
    },
  };
}

/**
 * `npm test [-- WORD... --shuffle SEED]`: the files whose path holds one of the words, if any; in an order of the seed's.
 * Returns the exit code.
 */
export async function runTests(args) {
  const begun = performance.now();
  const { shuffle, words } = readArguments(args);
  const names = testNames(words);
  const mark = randomUUID();
  endWithThis(mark);
  const before = await snapshot(mark);
  if (shuffle !== undefined) console.log(`In the order of --shuffle ${shuffle}`);
  const results = [];
  for (const lane of inLanes(names)) {
    const ordered = shuffle === undefined ? lane.names : shuffled(lane.names, shuffle);
    results.push(...(await runLane({ ...lane, names: ordered }, mark)));
  }

  const failed = results.flatMap(({ name, failed }) => failed.map((what) => `${name}: ${what}`));
  failed.push(...(await leftovers(before, mark)).map((thing) => `left behind: ${thing}`));
  await endMarked(mark);
  if (failed.length > 0) console.log(`\n✗ Failed:\n${failed.map((what) => `  ${what}`).join("\n")}`);
  else console.log("\n✓ Nothing is left behind.");
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`In ${Math.floor(seconds / 60)} min ${seconds % 60} s:`);
  console.log(`${passed} passed, ${failed.length} failed`); // alone on its line, for whoever reads it by program
  return failed.length > 0 ? 1 : 0;
}

/** `npm run test:reliability`: the tests of kills, leaks and overload in their long form. Returns the exit code. */
export function runReliabilityTests(words) {
  process.env.BPFLAB_RELIABILITY = "long";
  return runTests(words.length > 0 ? words : ["reliability/", "fleet/faults"]);
}

function readArguments(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { shuffle: { type: "string" } },
      allowPositionals: true,
    });
    return { words: positionals, shuffle: values.shuffle };
  } catch (error) {
    throw new SetupError(`npm test takes words of test files' paths, and --shuffle SEED. ${error.message}`);
  }
}
