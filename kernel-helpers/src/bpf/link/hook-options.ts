import { closeSync, openSync, readFileSync } from "node:fs";
import { mismatch, requireInteger } from "../../base/arguments.js";
import { ArgumentError } from "../../base/errors.js";

// What several kinds of hooks are told, checked the same way.

/** The cookie that a program reads with bpf_get_attach_cookie(): 64 bits. */
export type Cookie = number | bigint;

export function cookieOf(cookie: Cookie | undefined): { cookie?: bigint } {
  if (cookie === undefined) return {};
  if (
    (typeof cookie === "number" && !Number.isSafeInteger(cookie)) ||
    BigInt.asUintN(64, BigInt(cookie)) !== BigInt(cookie)
  )
    throw mismatch("cookie", "an integer from 0 to 2^64 - 1", cookie);
  return { cookie: BigInt(cookie) };
}

/** A process that is there, by its id. */
export function processId(pid: number | undefined): { pid?: number } {
  if (pid === undefined) return {};
  requireInteger("pid", pid, { from: 1 });
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ESRCH")
      throw new ArgumentError(`pid: there is no process ${pid}.`, { cause });
  }
  return { pid };
}

/** Has a descriptor of a path while it does something with it. @throws what opening it throws */
export function withFile<T>(path: string, act: (fd: number) => T): T {
  const fd = openSync(path, "r");
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

/** `0-3,6` as the kernel writes lists of CPUs. */
export function onlineCpus(): number[] {
  return readFileSync("/sys/devices/system/cpu/online", "utf8")
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}
