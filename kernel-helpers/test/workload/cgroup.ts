import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";

/** A control group of the test's own. */
export interface Cgroup {
  path: string;
  /** Runs a command in it to its end; fails when that takes long or ends badly. */
  run(...command: string[]): string;
  /** Removes it. */
  close(): void;
}

let made = 0;

/** Makes a control group for processes of a test. */
export function cgroup(): Cgroup {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((row) => row.split(" "))
    .find(([, , type]) => type === "cgroup2");
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
