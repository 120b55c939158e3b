/**
 * What a suite of the benchmark is: one question, the ways to answer it, ours and the peers', and what we aim for.
 */

/** What one run measured, by name; a name ends in its unit: `us_per_write`, `memory_bytes`. */
export type Figures = Readonly<Record<string, number>>;

/** One way to do the job. */
export interface Way {
  name: string;
  /** Does it once. */
  run(): Promise<Figures>;
}

/** The medians of a suite's rounds, by the name of the way. */
export type Medians = ReadonlyMap<string, Figures>;

/** What we aim for: a ratio within the run, or a figure of our own. */
export interface Goal {
  text: string;
  of(medians: Medians): number;
  atMost?: number;
  atLeast?: number;
}

export interface Suite {
  /** For `--only`. */
  name: string;
  /** What is measured, and how. */
  title: string;
  /** How often each way is run, unless `--rounds` says otherwise. */
  rounds: number;
  /** Builds what the ways need; `scratch` is a directory that goes when the suite ends. */
  prepare(scratch: string): Promise<{ ways: Way[]; close?(): Promise<void> | void }>;
  /** Figures that follow from the medians of several ways, such as what one adds to another. */
  derive?(medians: Medians): Map<string, Figures>;
  goals?: Goal[];
}

/** A figure of a way that is known to have run. */
export function figure(medians: Medians, way: string, name: string): number {
  const value = medians.get(way)?.[name];
  return value ?? NaN; // a way that failed has none, and a goal that rests on it is not reached
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
