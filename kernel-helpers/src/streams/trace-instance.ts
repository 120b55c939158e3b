import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atExit, deferSignals } from "../base/at-exit.js";
import { criticalSection } from "../base/critical-section.js";
import { erase, removeOrphans, self, write, type Written } from "../base/records.js";
import { tracefs } from "../bpf/link/tracefs.js";

// The machine's own trace pipe hands each line to one reader, so that two of them share the lines out between them.
// An instance has buffers of its own, and bpf_printk's event goes to each instance that enables it.

interface InstanceRecord extends Written {
  kind: "trace instance";
  instance: string;
}

const KIND = "trace instance";
let own: string | undefined;

/**
 * The directory of this process's own trace buffers, made at the first call and removed when the process ends; what a
 * killed process left is removed at the first call of another one.
 *
 * @returns undefined when the kernel has no event for bpf_printk (before 5.9) or no instances
 */
export function traceInstance(): string | undefined {
  if (own !== undefined && existsSync(own)) return own;
  const root = tracefs();
  removeOrphanedInstances();
  const owner = self();
  const instance = `bpflab-${/\d+/.exec(owner.pidNamespace)?.[0] ?? "0"}-${process.pid}`;
  const record = `trace-${instance}`;
  const directory = join(root, "instances", instance);
  return criticalSection(() => {
    deferSignals();
    erase(record);
    write(record, { kind: KIND, owner, instance } as InstanceRecord);
    try {
      mkdirSync(directory, { recursive: true });
      if (!existsSync(event(directory))) throw new Error("no event for bpf_printk");
    } catch {
      remove(directory);
      erase(record);
      return undefined;
    }
    own = directory;
    atExit(() => {
      remove(directory);
      erase(record);
    });
    return directory;
  });
}

/** Removes the trace buffers of processes that were killed. Returns what those were called. */
export function removeOrphanedInstances(): string[] {
  const removed = removeOrphans<InstanceRecord>(KIND, (record, { instance }) => {
    remove(join(tracefs(), "instances", instance));
    erase(record);
  });
  return removed.map(({ instance }) => instance);
}

/** Lets bpf_printk's lines into an instance, or keeps them out. */
export function enablePrintk(instance: string, on: boolean): void {
  writeFileSync(event(instance), on ? "1" : "0");
}

const event = (instance: string) => join(instance, "events/bpf_trace/bpf_trace_printk/enable");

function remove(directory: string): void {
  try {
    rmdirSync(directory); // tracefs removes what is in it along with it
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
