import { cpus, release, totalmem } from "node:os";
import { execa } from "execa";
import type { Result } from "./measure.js";
import { type Goal, type Medians } from "./suite.js";

/** The machine, the kernel and the versions of what takes part: figures mean nothing without. */
export async function environment(): Promise<Record<string, string>> {
  const versions = {
    clang: ["clang", "--version"],
    bpftrace: ["bpftrace", "--version"],
    nftables: ["nft", "--version"],
    python3: ["/usr/bin/python3", "--version"],
  };
  const found = await Promise.all(
    Object.entries(versions).map(async ([name, [command, ...args]]) => {
      const { stdout, failed } = await execa(command!, args, { reject: false });
      return failed ? [] : [[name, String(stdout).split("\n")[0]!] as const];
    }),
  );
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    node: process.version,
    ...Object.fromEntries(found.flat()),
  };
}

/** Prints a suite: a row a way, the medians, and what was aimed for. */
export function printResult({ suite, rounds, medians, failures }: Result): void {
  console.log(`\n${suite.name}: ${suite.title}\nmedians of ${rounds} round${rounds === 1 ? "" : "s"}`);
  const columns = [...new Set([...medians.values()].flatMap((figures) => Object.keys(figures)))];
  console.table(
    Object.fromEntries(
      [...medians].map(([way, figures]) => [
        way,
        Object.fromEntries(columns.map((name) => [name.replaceAll("_", " "), shown(figures[name])])),
      ]),
    ),
  );
  for (const [way, message] of failures) console.log(`✗ ${way} failed: ${message}`);
  for (const goal of suite.goals ?? []) console.log(goalLine(goal, medians));
}

/** Whether a goal is reached, and by what. */
export function reached({ of, atMost = Infinity, atLeast = -Infinity }: Goal, medians: Medians): boolean {
  const value = of(medians);
  return value <= atMost && value >= atLeast;
}

function goalLine(goal: Goal, medians: Medians): string {
  const bound = goal.atMost !== undefined ? `at most ${shown(goal.atMost)}` : `at least ${shown(goal.atLeast)}`;
  return `${reached(goal, medians) ? "✓" : "✗"} ${goal.text}: ${shown(goal.of(medians))}, aim ${bound}`;
}

function shown(value: number | undefined): string {
  if (value === undefined) return "";
  if (Number.isNaN(value)) return "not measured";
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: Number.isInteger(value) ? 0 : digits });
}
