/**
 * `npm run bench`: what looking costs, beside what people would use instead.
 *
 * Everything is measured in one run, in rounds that alternate ours and the peers', and
 * reported as medians and ratios: absolute figures are this machine's.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { execa } from "execa";
import { bpf } from "../dist/index.js";
import { instrumentations, type WriteRun } from "./writes.js";

const options = new Command("bench")
  .description("what one traced write(2) costs, beside bpftrace, the hand-out's C program and no tracing")
  .option("--rounds <n>", "rounds, of which the medians are shown", Number, 5)
  .option("--writes <n>", "one-byte writes a run", Number, 2_000_000)
  .option("--json <file>", "write all figures to a file")
  .parse()
  .opts<{ rounds: number; writes: number; json?: string }>();

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const dir = await mkdtemp(join(tmpdir(), "bpflab-bench-"));
try {
  const ways = await instrumentations(dir);
  const runs = new Map<string, WriteRun[]>(ways.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const way of ways) {
      process.stderr.write(`\r\x1b[2Kround ${round} of ${options.rounds}: ${way.name}`);
      runs.get(way.name)!.push(await way.run(options.writes));
    }
  }
  process.stderr.write("\r\x1b[2K");

  const clang = (await execa("clang", ["--version"])).stdout.split("\n")[0];
  const bpftrace = (await execa("bpftrace", ["--version"])).stdout.trim();
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? "?"}, Linux ${release()}, Node ${process.version}, ${clang}, ${bpftrace}`);
  console.log(`${options.writes.toLocaleString("en")} one-byte writes to /dev/null, medians of ${options.rounds} rounds\n`);

  const base = median(runs.get(ways[0]!.name)!.map((run) => run.us_per_write));
  const floor = median(runs.get(ways[1]!.name)!.map((run) => run.us_per_write)) - base;
  console.table(
    ways.map(({ name }) => {
      const of = runs.get(name)!;
      const us = median(of.map((run) => run.us_per_write));
      const has = of.every((run) => run.events !== undefined);
      return {
        instrumentation: name,
        "µs a write": us.toFixed(3),
        "added µs": (us - base).toFixed(3),
        "× the floor": us === base ? "" : ((us - base) / floor).toFixed(2),
        "reader µs an event": has ? median(of.map((run) => run.reader_us_per_event!)).toFixed(3) : "",
        "events, least": has ? Math.min(...of.map((run) => run.events!)).toLocaleString("en") : "",
        "lost, most": has ? Math.max(...of.map((run) => run.lost!)).toLocaleString("en") : "",
      };
    }),
  );
  if (options.json) await writeFile(options.json, `${JSON.stringify(Object.fromEntries(runs), null, 2)}\n`);
} finally {
  bpf.closeAll();
  await rm(dir, { recursive: true, force: true });
}
