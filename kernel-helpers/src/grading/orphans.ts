import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** The control groups that `bounds.py` makes for a submission, by the process that grades it. */
const GROUP = /^bpflab-grade-(\d+)$/;

/**
 * Ends what runs in control groups whose grader was killed, and removes them.
 *
 * @returns their paths
 */
export function removeOrphanedGroups(): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const hierarchies = mounts.map((line) => line.split(" ")).filter(([, , kind]) => /^cgroup2?$/.test(kind ?? ""));
  return hierarchies.flatMap(([, mount]) => groupsBelow(mount!)).filter(remove);
}

function groupsBelow(directory: string): string[] {
  return subdirectories(directory).flatMap((name) => {
    const path = join(directory, name);
    const grader = GROUP.exec(name)?.[1];
    if (grader === undefined) return groupsBelow(path);
    return existsSync(`/proc/${grader}`) ? [] : [path];
  });
}

function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // it went meanwhile
  }
}

const PATIENCE_MS = 2000;

/** True when it is gone. A process that was ended leaves its group a little later. */
function remove(group: string): boolean {
  for (const below of subdirectories(group)) remove(join(group, below));
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    try {
      const pids = readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").map(Number);
      // Those of another PID namespace are 0 here, which for kill() would be this process's own group.
      for (const pid of pids) if (pid > 0) process.kill(pid, "SIGKILL");
      rmdirSync(group);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
  return false;
}
