/** Lets one set-up work at a time on this machine: the shared directories, and the clone itself, take only one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";

const LOCK_FILE = process.env.BPFLAB_SETUP_LOCK || "/run/bpflab-setup.lock";

/** The lock's descriptor while this process has it. */
let held;

/**
 * The descriptor for commands to inherit: a lock is its open file's, so should this process be killed, the lock is free
 * only when the commands that it started have ended too. Empty while there is no lock.
 */
export const lockForChildren = () => (held === undefined ? [] : [held]);

/**
 * Runs `work` while this process holds the machine's lock; calls `onWait` when another process has it.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {() => void} onWait
 * @returns {Promise<T>}
 */
export async function withLock(work, onWait) {
  const descriptor = openSync(LOCK_FILE, "a", 0o600);
  try {
    const waiting = setTimeout(onWait, 300);
    const [code] = await once(spawn("flock", ["3"], { stdio: ["ignore", "ignore", "inherit", descriptor] }), "close");
    clearTimeout(waiting);
    if (code !== 0) throw new Error(`The lock ${LOCK_FILE} could not be taken.`);
    held = descriptor;
    return await work();
  } finally {
    held = undefined;
    closeSync(descriptor);
  }
}
