import type { ColumnTable } from "arquero";
import { detached } from "../base/display.js";
import { ArgumentError } from "../base/errors.js";
import { compileShipped } from "../clang/compile.js";
import type { AttachOptions } from "../bpf/link/hooks.js";
import type { ShippedPrograms } from "../generated/programs.js";
import { CollectError, type CollectOptions } from "../streams/collect.js";
import type { EventTable } from "../streams/table.js";
import { wait } from "../streams/wait.js";
import { load } from "./load.js";
import type { BpfObject } from "./object.js";
import { Stacks } from "./stacks.js";

/** How long stacks are captured, and whose. */
export interface StackCaptureOptions extends Pick<CollectOptions, "seconds" | "until"> {
  /** One process only; by default all but our own. */
  pid?: number;
}

type Capturing = "profile" | "offcpu";

/** A program that counts by stacks, and how to read it. */
interface StackCapture<Name extends Capturing> {
  options: StackCaptureOptions;
  attach: AttachOptions;
  /** The processes that have been seen so far, one a stack. */
  pidsOf(object: BpfObject<ShippedPrograms[Name]>): number[];
  tableOf(object: BpfObject<ShippedPrograms[Name]>, stacks: Stacks): ColumnTable;
}

/** How often the processes are looked at, ms: those that live shorter may have no names. */
const LOOK_EVERY = 100;
let captures = 0;

/**
 * Runs a shipped program until the first of `seconds`, `until` and an interrupt of the cell, and keeps the names of the
 * processes' functions meanwhile, for a process can be asked only while it lives.
 *
 * @throws ArgumentError; CollectError when `until` fails, which holds what had come; what loading and attaching throw
 */
export async function captureStacks<Name extends Capturing>(
  name: Name,
  says: string,
  { options, attach, pidsOf, tableOf }: StackCapture<Name>,
): Promise<ColumnTable> {
  const { seconds, until, pid = 0 } = options;
  if (seconds === undefined && until === undefined)
    throw new ArgumentError(`${says} needs seconds or until, which says how long it takes.`, {
      hint: `For example ${says}({ seconds: 5 }).`,
    });
  const compiled = await compileShipped(name);
  // Under a name of its own, so that two at the same time do not replace each other.
  const loaded = await load({ ...compiled, name: `${name}_${++captures}` }, { globals: { watched_pid: pid } });
  const object = loaded as unknown as BpfObject<ShippedPrograms[Name]>;
  const stacks = new Stacks();
  let seen = 0;
  const look = () => {
    const pids = pidsOf(object);
    seen = pids.length;
    for (const each of new Set(pids)) stacks.remember(each);
  };
  const looking = detached(() => setInterval(look, LOOK_EVERY).unref());
  try {
    await loaded.attach(attach);
    const failure = await wait(
      { seconds, until } as StackCaptureOptions,
      () => `${seen.toLocaleString("en")} stacks`,
    ).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (failure?.error instanceof ArgumentError) throw failure.error;
    object.detach();
    look();
    const table = tableOf(object, stacks);
    if (failure) throw new CollectError(table as EventTable<any>, failure.error);
    return table;
  } finally {
    clearInterval(looking);
    stacks.close();
    object.close();
  }
}
