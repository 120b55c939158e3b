import { rmSync } from "node:fs";
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
  const directory = await mkdtemp(join(parent, prefix)); // 0700
  const stay = atExit(() => rmSync(directory, { recursive: true, force: true }));
  try {
    return await work(directory);
  } finally {
    stay();
    await rm(directory, { recursive: true, force: true });
  }
}
