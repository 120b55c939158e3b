import { existsSync, readFileSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { lacking } from "../../base/capabilities.js";
import { MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native, type MountHandle } from "../../base/native.js";

const mounts = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

let own: MountHandle | undefined;

/**
 * A directory in which this process sees tracefs. Where the system has none mounted it is
 * mounted for this process alone, under no path: nobody else's view changes, and it is gone
 * when the process is, whatever ends it.
 *
 * @throws MissingFeatureError when the kernel has no tracefs or does not let us mount it
 */
export function tracefs(): string {
  for (const mounted of mounts) if (existsSync(join(mounted, "events"))) return mounted;
  try {
    own ??= native.fsmount("tracefs");
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (error.code === "EPERM" && lacking("CAP_SYS_ADMIN").length > 0) throw unreachable(error);
    throw new MissingFeatureError("tracefs", `tracefs is not mounted and cannot be: ${error.message}.`, {
      since: "4.1 (private mounts: 5.2)",
      hint: "Run as root on a kernel with CONFIG_FTRACE, or mount it: mount -t tracefs tracefs /sys/kernel/tracing",
      cause: error,
    });
  }
  return native.fsmount_path(own);
}

/** Why this process sees no tracefs, and what root can do about it once for all. */
function unreachable(cause: Error): MissingFeatureError {
  const group = process.getegid?.() ?? 0;
  const [place] = mounts;
  const isMounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .some((row) => row.split(" ")[2] === "tracefs");
  const [message, mount] = isMounted
    ? [
        "tracefs may be read by root alone, and mounting another one needs CAP_SYS_ADMIN.",
        `mount -o remount,gid=${group},mode=750 ${place}`,
      ]
    : [
        "tracefs is not mounted, and mounting it needs CAP_SYS_ADMIN.",
        `mount -t tracefs -o gid=${group},mode=750 tracefs ${place}`,
      ];
  return new MissingFeatureError("tracefs", message, {
    hint: `As root, once: ${mount}. It lets group ${group} read the ids of tracepoints.`,
    cause,
  });
}

/** The id of a tracepoint, which attaching to it needs; undefined when there is none of that name. */
export async function tracepointId(category: string, name: string): Promise<number | undefined> {
  const text = await readFile(join(tracefs(), "events", category, name, "id"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** The names of all tracepoints, without their categories; empty when tracefs cannot be read. */
export function allTracepoints(): string[] {
  try {
    const events = readFileSync(join(tracefs(), "available_events"), "utf8");
    return events.split("\n").map((row) => row.slice(row.indexOf(":") + 1));
  } catch {
    return [];
  }
}

/** The tracepoints of a category, such as `syscalls`; empty when there is no such category. */
export async function tracepoints(category: string): Promise<string[]> {
  const entries = await readdir(join(tracefs(), "events", category), { withFileTypes: true }).catch(() => []);
  return entries.filter((e) => e.isDirectory()).map((e) => e.name);
}

/** The categories of tracepoints there are, such as `syscalls`. */
export async function tracepointCategories(): Promise<string[]> {
  const entries = await readdir(join(tracefs(), "events"), { withFileTypes: true });
  return entries.filter((e) => e.isDirectory()).map((e) => e.name);
}
