import { existsSync, linkSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownDirectory } from "./own-directory.js";
import { processOf } from "./processes.js";
import { visible } from "./text.js";

// What outlives the process that made it (namespaces, clsact filters) is written down before it is
// made, so that a later process can remove it when its owner was killed. /run is empty after a boot,
// as is what it describes.

/** Who made a thing: process ids are reused, so the time it started belongs to it. */
export interface Owner {
  pid: number;
  /** Clock ticks since boot, from /proc/PID/stat. */
  started: string;
  /** The namespaces in which the process id and the interfaces mean something. */
  pidNamespace: string;
  netNamespace: string;
}

/** A thing that was written down. */
export interface Written {
  kind: string;
  owner: Owner;
}

/** Root's records are in one place for all sessions; others (with CAP_NET_ADMIN) have their own. */
function directory(): string {
  const user = process.geteuid?.();
  const own = process.env["XDG_RUNTIME_DIR"];
  return user === 0 ? "/run/bpflab" : own ? join(own, "bpflab") : join(tmpdir(), `bpflab-${user}`);
}

/** This process. */
export function self(): Owner {
  return {
    pid: process.pid,
    started: processOf(process.pid)?.started ?? "",
    pidNamespace: readlinkSync("/proc/self/ns/pid"),
    netNamespace: readlinkSync("/proc/self/ns/net"),
  };
}

/** True when the owner is known to have ended. Of another namespace nothing is known. */
function hasEnded(owner: Owner, here: Owner): boolean {
  if (owner.pidNamespace !== here.pidNamespace || owner.netNamespace !== here.netNamespace) return false;
  return processOf(owner.pid)?.started !== owner.started;
}

/** Writes a thing down under a name; false when the name is taken. Whole or not at all. */
export function write(name: string, thing: Written): boolean {
  const dir = ownDirectory(directory());
  const draft = join(dir, `.${name}.${process.pid}`);
  writeFileSync(draft, JSON.stringify(thing), { mode: 0o600 });
  try {
    linkSync(draft, join(dir, `${name}.json`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What is written under a name. */
export function read<T extends Written>(name: string): T | undefined {
  return parse(`${name}.json`) as T | undefined;
}

function parse(file: string): Written | undefined {
  try {
    return JSON.parse(readFileSync(join(directory(), file), "utf8")) as Written;
  } catch {
    return undefined; // there is none, or it is being written
  }
}

/** Forgets a thing; idempotent. */
export function erase(name: string): void {
  rmSync(join(directory(), `${name}.json`), { force: true });
}

/** What processes that have ended left written down. */
function orphans(): { name: string; thing: Written }[] {
  if (!existsSync(directory())) return []; // nothing was ever written
  const files = readdirSync(ownDirectory(directory()));
  const here = self();
  return files.flatMap((file) => {
    const thing = parse(file);
    if (!thing?.owner || !hasEnded(thing.owner, here)) return [];
    if (!file.startsWith(".")) return [{ name: file.replace(/\.json$/, ""), thing }];
    rmSync(join(directory(), file), { force: true }); // a draft: what it says was never made
    return [];
  });
}

/** Removes what processes that have ended left of one kind; what cannot be removed is told and stays. Returns what was removed. */
export function removeOrphans<T extends Written>(kind: T["kind"], remove: (name: string, thing: T) => void): T[] {
  const removed: T[] = [];
  for (const { name, thing } of orphans()) {
    if (thing.kind !== kind) continue;
    try {
      remove(name, thing as T);
      removed.push(thing as T);
    } catch (error) {
      const why = visible((error as Error).message);
      console.warn(`Cannot remove what process ${thing.owner.pid} left behind (${kind}): ${why}`);
    }
  }
  return removed;
}
