import { removeFilter, type FilterRecord } from "../bpf/link/clsact.js";
import { removeOrphans } from "../base/records.js";
import { removeOrphanedInstances } from "../streams/trace-instance.js";
import { removePlayground, type PlaygroundRecord } from "./playground.js";

/**
 * Removes what killed bpflab processes left behind: test hosts, filters on clsact qdiscs, and trace buffers.
 * Done at each start; what belongs to a process that still runs is left alone.
 *
 * @returns how many things were removed
 * @example
 * await net.sweep()
 */
export function sweep(): Promise<number> {
  return Promise.resolve(sweepAll().length);
}

/** As `sweep`, and says in words what was removed. */
export function sweepAll(): string[] {
  const playgrounds = removeOrphans<PlaygroundRecord>("playground", removePlayground);
  const filters = removeOrphans<FilterRecord>("filter", removeFilter);
  return [
    ...playgrounds.map(
      (one) => `test hosts of process ${one.owner.pid}: ${[one.interface, ...one.namespaces].join(", ")}`,
    ),
    ...filters.map((one) => `a filter of process ${one.owner.pid} at ${one.direction} of interface ${one.ifindex}`),
    ...removeOrphanedInstances().map((name) => `trace buffers: ${name}`),
  ];
}
