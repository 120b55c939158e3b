import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bpf } from "../dist/api/index.js";
import { Peer } from "./peers.js";
import { median, type Figures, type Medians, type Suite } from "./suite.js";

/** What a suite has measured. */
export interface Result {
  suite: Suite;
  rounds: number;
  /** Every run, by the name of the way, in the order of the rounds. */
  runs: Map<string, Figures[]>;
  medians: Medians;
  /** What went wrong, by the name of the way. */
  failures: Map<string, string>;
}

/** Runs a suite in rounds that alternate its ways, so that what changes on the machine meanwhile meets all of them. */
export async function measure(suite: Suite, rounds: number, onProgress: (what: string) => void): Promise<Result> {
  const scratch = await mkdtemp(join(tmpdir(), "bpflab-bench-"));
  const runs = new Map<string, Figures[]>();
  const failures = new Map<string, string>();
  try {
    onProgress("preparing");
    const { ways, close } = await suite.prepare(scratch);
    try {
      for (let round = 1; round <= rounds; round++) {
        for (const way of ways) {
          if (failures.has(way.name)) continue;
          onProgress(`round ${round} of ${rounds}: ${way.name}`);
          try {
            const figures = await way.run();
            runs.set(way.name, [...(runs.get(way.name) ?? []), figures]);
          } catch (error) {
            failures.set(way.name, error instanceof Error ? error.message : String(error)); // the others go on
            await Peer.endAll();
          }
        }
      }
    } finally {
      await close?.();
      bpf.closeAll();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const medians = new Map([...runs].map(([name, figures]) => [name, mediansOf(figures)] as const));
  for (const [name, more] of suite.derive?.(medians) ?? []) medians.set(name, { ...medians.get(name), ...more });
  return { suite, rounds, runs, medians, failures };
}

function mediansOf(runs: readonly Figures[]): Figures {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  return Object.fromEntries(names.map((name) => [name, median(runs.flatMap((run) => run[name] ?? []))]));
}
