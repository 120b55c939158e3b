import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./at-exit.js";

/**
 * Runs work with a directory of its own, only for this user, which goes with the work, also when the process is
 * interrupted.
 *
 * @param prefix what its name begins with; in the system's directory for temporary files, or in `parent`
 */
export async function inScratch<T>(
  prefix: string,
  work: (directory: string) => Promise<T>,
  parent: string = tmpdir(),
): Promise<T> {
  const { directory, remove } = await makeScratch(prefix, parent);
  try {
    return await work(directory);
  } finally {
    await remove();
  }
}

/** The same for work that has no end in sight: `remove` ends it. */
export async function makeScratch(
  prefix: string,
  parent: string = tmpdir(),
): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(parent, `${prefix}${process.pid}-`)); // 0700
  const stay = atExit(() => rmSync(directory, { recursive: true, force: true }));
  const remove = async () => {
    stay();
    await rm(directory, { recursive: true, force: true });
  };
  return { directory, remove };
}

/** Makes a directory, only for this user, that goes with this process. @param prefix as for `inScratch` */
export function scratchUntilExit(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`)); // 0700
  atExit(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Removes directories that `inScratch` made in processes that were killed.
 *
 * @returns their paths
 */
export function removeOrphanedScratch(prefixes: readonly string[], parent: string = tmpdir()): string[] {
  const removed: string[] = [];
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    const prefix = prefixes.find((one) => name.startsWith(one));
    const pid = prefix === undefined ? undefined : /^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1];
    const path = join(parent, name);
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const { uid, isDirectory } = statOf(path);
    if (!isDirectory || uid !== process.getuid?.()) continue; // another user's, or made to mislead
    rmSync(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

function statOf(path: string): { uid: number; isDirectory: boolean } {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return { uid: stat?.uid ?? -1, isDirectory: stat?.isDirectory() ?? false };
}
