import { join } from "node:path";
import { removeOrphanedScratch } from "../base/scratch.js";
import { visible } from "../base/text.js";
import { cacheDir, TEMPORARY_CACHE } from "../clang/locations.js";
import { removeOrphanedGroups } from "../grading/orphans.js";
import { sweepAll } from "../net/orphans.js";

/** `bpflab clean`: removes what processes that were killed left, and says what it removed. Returns the exit code. */
export async function clean(): Promise<number> {
  const removed = [
    ...sweepAll(),
    ...removeOrphanedGroups().map((path) => `control group ${path}`),
    ...removeOrphanedDirectories(),
    ...removeOrphanedScratch(["work-"], join(cacheDir(), "objects")),
  ];
  for (const thing of removed) console.log(`removed ${visible(thing)}`);
  if (removed.length === 0) console.log("Nothing was left behind.");
  return 0;
}

/** Removes the temporary directories of commands that were killed. Returns their paths. */
export function removeOrphanedDirectories(): string[] {
  const commands = ["report", "print", "fleet", "grade"].map((name) => `bpflab-${name}-`);
  return removeOrphanedScratch([...commands, TEMPORARY_CACHE]);
}
