import { removeFilter, type FilterRecord } from "../bpf/link/clsact.js";
import { removeOrphans } from "../base/records.js";
import { removePlayground, type PlaygroundRecord } from "./playground.js";

/**
 * Removes what bpflab processes left behind that were killed: test hosts, and filters on clsact qdiscs.
 * Done at each start; what belongs to a process that still runs is left alone.
 *
 * @returns how many things were removed
 * @example
 * await net.sweep()
 */
export function sweep(): Promise<number> {
  const playgrounds = removeOrphans<PlaygroundRecord>("playground", removePlayground);
  return Promise.resolve(playgrounds + removeOrphans<FilterRecord>("filter", removeFilter));
}
