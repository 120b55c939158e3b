import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

/** A control group of the test's own. */
export interface Cgroup {
  path: string;
  /** Runs a command in it to its end; fails when that takes long or ends badly. */
  run(...command: string[]): string;
  /** Removes it. */
  close(): void;
}

let made = 0;

const mounts = () =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((row) => row.split(" "));

/**
 * Makes a control group whose processes have so many bytes of memory, and are ended by the kernel beyond that; with v1 of
 * control groups where the machine has that for memory, else v2.
 */
export function memoryGroup(bytes: number): { path: string; close(): void } {
  const legacy = mounts().find(([, , type, options]) => type === "cgroup" && options?.split(",").includes("memory"));
  const unified = mounts().find(([, , type]) => type === "cgroup2");
  const mounted = legacy ?? unified;
  assert.ok(mounted, "no control groups are mounted");
  if (!legacy) writeFileSync(`${mounted[1]}/cgroup.subtree_control`, "+memory");
  const path = `${mounted[1]}/bpflab-test-${process.pid}-${made++}`;
  mkdirSync(path);
  writeFileSync(`${path}/${legacy ? "memory.limit_in_bytes" : "memory.max"}`, String(bytes));
  if (existsSync(`${path}/memory.swap.max`)) writeFileSync(`${path}/memory.swap.max`, "0");
  return { path, close: () => rmdirSync(path) };
}

/** Makes a control group for processes of a test. */
export function cgroup(): Cgroup {
  const mounted = mounts().find(([, , type]) => type === "cgroup2");
  assert.ok(mounted, "no cgroup2 file system is mounted");
  const path = `${mounted[1]}/bpflab-test-${process.pid}-${made++}`;
  mkdirSync(path);
  return {
    path,
    run(...command) {
      const enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
      const { status, stdout, stderr } = spawnSync("sh", ["-c", enter, path, ...command], {
        encoding: "utf8",
        timeout: 20_000,
      });
      assert.equal(status, 0, `${command.join(" ")}: ${stderr}`);
      return stdout;
    },
    close: () => rmdirSync(path),
  };
}
