import { op, type ColumnTable } from "arquero";
import { setTimeout as sleep } from "node:timers/promises";
import { requireNumber } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import type { ShippedPrograms } from "../generated/programs.js";
import { load } from "./load.js";
import type { BpfObject } from "./object.js";
import { Stacks } from "./stacks.js";

/** What to sample, and how long. */
export interface ProfileOptions {
  /** How long. */
  seconds?: number;
  /** In its place: until this is done. */
  until?: () => Promise<unknown>;
  /** Samples a second on each CPU; default 99. */
  frequency?: number;
  /** One process only; by default all but our own. */
  pid?: number;
}

/** How often new processes are looked for, ms: those that live shorter may have no names. */
const lookEvery = 100;

/**
 * Samples what the CPUs run: a row a stack, with `comm`, `pid`, `stack` (folded text, the outermost function first)
 * and `count`, the samples in which it was found.
 *
 * @throws ArgumentError, and what loading and attaching throw
 * @example
 * const stacks = await profile({ seconds: 5 });
 * charts.flamegraph(stacks)
 */
export async function profile(options: ProfileOptions): Promise<ColumnTable> {
  refuseUnknownOptions("profile", options, ["seconds", "until", "frequency", "pid"]);
  const { seconds, until, frequency = 99, pid } = options;
  if ((seconds === undefined) === (until === undefined))
    throw new ArgumentError("profile needs either seconds or until, which says how long it samples.", {
      hint: "For example profile({ seconds: 5 }).",
    });
  if (seconds !== undefined) requireNumber("seconds", seconds, { above: 0 });
  const object = await load("profile", { globals: { watched_pid: pid ?? 0 } });
  const stacks = new Stacks();
  try {
    await object.attach({ frequency, ...(pid === undefined ? {} : { pid }) });
    const done = until ? until() : sleep(seconds! * 1000);
    const stopped = new AbortController();
    const looking = look(object, stacks, stopped.signal);
    try {
      await done;
    } finally {
      stopped.abort();
      await looking;
    }
    object.detach();
    return tableOf(object, stacks);
  } finally {
    stacks.close();
    object.close();
  }
}

async function look(object: BpfObject<ShippedPrograms["profile"]>, stacks: Stacks, signal: AbortSignal): Promise<void> {
  const seen = new Set<number>();
  while (!signal.aborted) {
    await sleep(lookEvery, undefined, { signal }).catch(() => {});
    for (const [{ pid }] of object.maps.samples.entries()) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      stacks.remember(pid);
    }
  }
}

function tableOf(object: BpfObject<ShippedPrograms["profile"]>, stacks: Stacks): ColumnTable {
  const { lost } = object.globals;
  if (Number(lost) > 0)
    console.warn(`${Number(lost)} samples were not counted: there were more stacks than the map has room for.`);
  const samples = object.maps.samples.table();
  return stacks
    .fold(samples, { traces: object.maps.stacks })
    .groupby("comm", "pid", "stack")
    .rollup({ count: op.sum("value") }); // functions alike, at several addresses in them
}
