import { readFileSync } from "node:fs";
import { ArgumentError } from "../../base/errors.js";
import { isNativeError, native } from "../../base/native.js";
import { attachToEach, byUpdatableLink, type Attachable, type HookKind } from "./attachment.js";
import { withFile } from "./hook-options.js";

/** The control group whose processes a program is about, with all groups below it. */
export interface CgroupHook {
  /** Its directory in the cgroup2 file system, or several; relative paths begin where that is mounted. */
  cgroup: string | string[];
  /** For SEC("cgroup/skb"), which does not say it: what comes in (default) or what goes out. */
  direction?: "ingress" | "egress";
}

// enum bpf_attach_type
const CGROUP_INGRESS = 0;
const CGROUP_EGRESS = 1;

export const cgroup: HookKind<CgroupHook> = {
  to: "a control group",
  takes: ["cgroup", "direction"],
  attach(program, { cgroup: paths, direction }) {
    const each: unknown[] = [paths ?? []].flat();
    if (each.length === 0 || !each.every((path) => typeof path === "string" && path !== ""))
      throw new ArgumentError(`The program ${program.name} attaches to a control group, which must be named.`, {
        hint: `For example attach({ cgroup: ${JSON.stringify(`${mounts()[0] ?? "/sys/fs/cgroup"}/system.slice`)} }).`,
      });
    return attachToEach(each as string[], (path) => attachTo(program, path, direction));
  },
};

function attachTo(program: Attachable, path: string, direction: CgroupHook["direction"]) {
  const full = path.startsWith("/") ? path : `${mounts()[0] ?? "/sys/fs/cgroup"}/${path}`;
  const type = direction ? { ingress: CGROUP_INGRESS, egress: CGROUP_EGRESS }[direction] : program.attachType;
  try {
    const link = withFile(full, (fd) => native.bpf_link_create(program.object, program.name, fd, type));
    return byUpdatableLink(link, `control group ${full}`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && !isNativeError(error))
      throw new ArgumentError(`cgroup: there is no control group ${full}.`, { hint: hint(), cause: error });
    if (code === "EBADF" || code === "ENOTDIR")
      throw new ArgumentError(`cgroup: ${full} is not a directory of the cgroup2 file system.`, {
        hint: hint(),
        cause: error,
      });
    throw error;
  }
}

function hint(): string {
  const there = mounts();
  return there.length === 0
    ? "No cgroup2 file system is mounted: mount -t cgroup2 none /sys/fs/cgroup does it."
    : `cgroup2 is mounted on ${there.join(" and ")}; mkdir makes a group there, and echo PID > cgroup.procs puts a process into it.`;
}

/** Where cgroup2 is mounted: at the usual place, or beside the groups of version 1. */
function mounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((row) => row.split(" "))
    .filter(([, , type]) => type === "cgroup2")
    .map(([, path]) => path!);
}
