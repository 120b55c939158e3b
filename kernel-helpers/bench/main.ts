/**
 * `npm run bench`: what bpflab costs, beside what people would use instead.
 *
 * Everything is measured in one run, in rounds that alternate ours and the peers', and
 * reported as medians and ratios: absolute figures are this machine's.
 */
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { measure, type Result } from "./measure.js";
import { environment, printResult, reached } from "./print.js";
import { suites } from "./suites/index.js";

const positive = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Expected a positive integer.");
  return Number(text);
};
const known = (name: string, before: string[] = []): string[] => {
  if (!suites.some((suite) => suite.name === name))
    throw new InvalidArgumentError(`There are ${suites.map((suite) => suite.name).join(", ")}.`);
  return [...before, name];
};

const options = new Command("bench")
  .description("measures bpflab beside its peers, in one run")
  .option("--only <name>", "this suite; may be given more than once", known)
  .option("--rounds <n>", "rounds of each suite, of which the medians are shown", positive)
  .option("--json <file>", "write every figure to a file")
  .addHelpText("after", `\nSuites:\n${suites.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join("\n")}`)
  .parse()
  .opts<{ only?: string[]; rounds?: number; json?: string }>();

const machine = await environment();
for (const [name, value] of Object.entries(machine)) console.log(`${name.padEnd(10)} ${value}`);

const results: Result[] = [];
for (const suite of suites.filter(({ name }) => options.only?.includes(name) ?? true)) {
  const tty = process.stderr.isTTY;
  const result = await measure(
    suite,
    options.rounds ?? suite.rounds,
    (what) => tty && process.stderr.write(`\r\x1b[2K${suite.name}: ${what}`),
  );
  if (tty) process.stderr.write("\r\x1b[2K");
  printResult(result);
  results.push(result);
}
if (options.json) {
  const all = results.map(({ suite, rounds, runs, medians, failures }) => ({
    suite: suite.name,
    rounds,
    medians: Object.fromEntries(medians),
    goals: (suite.goals ?? []).map((goal) => ({
      text: goal.text,
      value: goal.of(medians),
      atMost: goal.atMost,
      atLeast: goal.atLeast,
      reached: reached(goal, medians),
    })),
    runs: Object.fromEntries(runs),
    failures: Object.fromEntries(failures),
  }));
  await writeFile(options.json, `${JSON.stringify({ machine, suites: all }, null, 2)}\n`);
}
process.exitCode = results.some(({ failures }) => failures.size > 0) ? 1 : 0;
