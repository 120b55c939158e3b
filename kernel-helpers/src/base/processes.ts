/** Processes, from /proc. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** A process, told apart from a later one of the same number by when it started. */
export interface Process {
  pid: number;
  parent: number;
  /** Clock ticks after boot. */
  started: string;
}

/** A process that runs; undefined when it has ended. */
export function processOf(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before may hold spaces and brackets
    return { pid, parent: Number(fields[1]), started: fields[19]! };
  } catch {
    return undefined; // it has ended
  }
}

/** The process that the main thread of this one started last, of those that are still there; undefined also on kernels without CONFIG_PROC_CHILDREN. */
export function newestChild(): number | undefined {
  const list = `/proc/self/task/${process.pid}/children`; // in the order of their start
  const pids = existsSync(list) ? readFileSync(list, "utf8").trim() : "";
  return pids ? Number(pids.slice(pids.lastIndexOf(" ") + 1)) : undefined;
}

/** All processes that descend from `pid`, nearest first. */
export function descendantsOf(pid: number): Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)))
    .filter((p) => p !== undefined);
  const found: Process[] = [];
  const parents = [pid];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    const children = all.filter((process) => process.parent === parent);
    found.push(...children);
    parents.push(...children.map((process) => process.pid));
  }
  return found;
}

/** Those of the processes that still run. */
export function alive(processes: Process[]): Process[] {
  return processes.filter(({ pid, started }) => processOf(pid)?.started === started);
}
