import { removeFilter, type FilterRecord } from "./clsact.js";
import { removePlayground, type PlaygroundRecord } from "./playground.js";
import { orphans } from "./records.js";

/**
 * Removes what bpflab processes left behind that were killed: test hosts, and filters on clsact qdiscs.
 * Done at each start; what belongs to a process that still runs is left alone.
 *
 * @returns how many things were removed
 */
export function sweep(): number {
  const left = orphans().filter(({ thing }) => thing.kind !== "qdisc"); // a qdisc goes with its last filter
  for (const { name, thing } of left) {
    if (thing.kind === "playground") removePlayground(name, thing as PlaygroundRecord);
    if (thing.kind === "filter") removeFilter(name, thing as FilterRecord);
  }
  return left.length;
}
