import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit, deferSignals } from "./at-exit.js";
import { criticalSection } from "./critical-section.js";

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
  const { directory, remove } = makeScratch(prefix, parent);
  try {
    return await work(directory);
  } finally {
    await remove();
  }
}

/** The same for work that has no end in sight: `remove` ends it. */
export function makeScratch(
  prefix: string,
  parent: string = tmpdir(),
): { directory: string; remove: () => Promise<void> } {
  const { directory, stay } = makeUntilExit(prefix, parent);
  const remove = async () => {
    await rm(directory, REMOVE);
    stay();
  };
  return { directory, remove };
}

/** Makes a directory, only for this user, that goes with this process. @param prefix as for `inScratch` */
export function scratchUntilExit(prefix: string): string {
  return makeUntilExit(prefix, tmpdir()).directory;
}

/** A child process that is being ended may still write into it. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 20 } as const;

function makeUntilExit(prefix: string, parent: string): { directory: string; stay: () => void } {
  return criticalSection(() => {
    deferSignals();
    const directory = mkdtempSync(join(parent, `${prefix}${process.pid}-`)); // 0700
    return { directory, stay: atExit(() => rmSync(directory, REMOVE)) };
  });
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
