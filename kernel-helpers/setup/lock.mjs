/** Lets one set-up work at a time on this machine, for apt and the shared directories take only one. */
import { spawn } from "node:child_process";
import { once } from "node:events";

const LOCK_FILE = "/run/bpflab-setup.lock";

/**
 * Runs `work` while this process holds the machine's lock; calls `onWait` when another process has it.
 * The lock belongs to a `flock` process that ends with this one's pipe, so that a crash frees it too.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {() => void} onWait
 * @returns {Promise<T>}
 */
export async function withLock(work, onWait) {
  const holder = spawn("flock", [LOCK_FILE, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(holder, "close");
  const waiting = setTimeout(onWait, 300);
  try {
    const held = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]);
    clearTimeout(waiting);
    if (!held) throw new Error(`The lock ${LOCK_FILE} could not be taken.`);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await ended;
  }
}
