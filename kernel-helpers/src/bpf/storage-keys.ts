import { closeSync, constants, openSync } from "node:fs";
import { ArgumentError } from "../base/errors.js";
import { isNativeError, native } from "../base/native.js";

// Storage maps keep a value with each process, cgroup, file or socket. User space names whom by a descriptor, which is
// opened for as long as the call takes.

/** True for the kernel's types of maps that live with something else. */
export function isStorage(type: string): boolean {
  return ["task_storage", "cgrp_storage", "inode_storage", "sk_storage"].includes(type);
}

/**
 * Acts with a descriptor of whom a storage map's key names: a process by its id, a cgroup by its directory, a file by
 * its path, a socket by a descriptor of the caller's.
 *
 * @throws ArgumentError for what is not there
 */
export function withOwner<T>(type: string, path: string, key: unknown, act: (fd: number) => T): T {
  if (type === "sk_storage" || (type !== "task_storage" && typeof key === "number")) {
    if (!Number.isInteger(key)) throw new ArgumentError(`${path} key: expected a descriptor, got ${String(key)}.`);
    return act(key as number);
  }
  const fd = openOwner(type, path, key);
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

function openOwner(type: string, path: string, key: unknown): number {
  const isTask = type === "task_storage";
  if (isTask ? !Number.isInteger(key) : typeof key !== "string")
    throw new ArgumentError(`${path} key: expected a ${isTask ? "process id" : "path"}, got ${String(key)}.`);
  try {
    return isTask ? native.pidfd_open(key as number) : openSync(key as string, constants.O_RDONLY);
  } catch (cause) {
    if (isTask && !isNativeError(cause)) throw cause;
    throw new ArgumentError(`${path} key: there is no ${isTask ? "process" : "file"} ${String(key)}.`, { cause });
  }
}
