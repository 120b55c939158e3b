import type { FilterRecord } from "../bpf/link/clsact.js";
import type { PlaygroundRecord } from "./playground.js";
import { orphans, type Written } from "../base/records.js";

/**
 * Removes what bpflab processes left behind that were killed: test hosts, and filters on clsact qdiscs.
 * Done at each start; what belongs to a process that still runs is left alone.
 *
 * @returns how many things were removed
 * @example
 * await net.sweep()
 */
export async function sweep(): Promise<number> {
  let removed = 0;
  for (const { name, thing } of orphans()) {
    if (thing.kind === "qdisc" || thing.kind === "mount") continue; // they go with the last filter, the last namespace
    try {
      await remove(name, thing);
      removed++;
    } catch (error) {
      console.warn(
        `What process ${thing.owner.pid} left (${thing.kind}) cannot be removed: ${(error as Error).message}`,
      );
    }
  }
  return removed;
}

// Nearly every start finds nothing and needs none of this code.
async function remove(name: string, thing: Written): Promise<void> {
  if (thing.kind === "playground") (await import("./playground.js")).removePlayground(name, thing as PlaygroundRecord);
  if (thing.kind === "filter") (await import("../bpf/link/clsact.js")).removeFilter(name, thing as FilterRecord);
}

let swept: Promise<number> | undefined;

/** `sweep`, once in the life of this process. */
export function sweepOnce(): Promise<number> {
  return (swept ??= sweep());
}
