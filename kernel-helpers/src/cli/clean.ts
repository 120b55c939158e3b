import { join } from "node:path";
import { removeOrphanedScratch } from "../base/scratch.js";
import { visible } from "../base/text.js";
import { cacheDir, TEMPORARY_CACHE } from "../clang/locations.js";
import { sweepAll } from "../net/orphans.js";

/** `bpflab clean`: removes what processes that were killed left, and says what it removed. Returns the exit code. */
export async function clean(): Promise<number> {
  const removed = [
    ...sweepAll(),
    ...removeOrphanedScratch(["bpflab-report-", "bpflab-print-", "bpflab-fleet-", "bpflab-grade-", TEMPORARY_CACHE]),
    ...removeOrphanedScratch(["work-"], join(cacheDir(), "objects")),
  ];
  for (const thing of removed) console.log(`removed ${visible(thing)}`);
  if (removed.length === 0) console.log("Nothing was left behind.");
  return 0;
}
