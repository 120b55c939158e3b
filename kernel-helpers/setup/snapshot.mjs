/** The snapshot of V8's heap that kernels start with: the compiler, and the declarations that cells see, parsed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./command.mjs";
import { build, helpers, repo } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

const stampFile = join(build, "snapshot.stamp");
const maker = join(helpers, "dist/jupyter/make-snapshot.js");
const print = () =>
  fingerprint(
    [join(repo, "package-lock.json"), join(helpers, "dist/.stamp")],
    [repo, process.execPath, process.version],
  );

async function isThere() {
  const { snapshotOf } = await import(pathToFileURL(join(helpers, "dist/jupyter/kernelspec.js")).href);
  return existsSync(snapshotOf(process.execPath));
}

export const snapshot = {
  title: "Kernel's heap",
  done: async () => isStamped(stampFile, print()) && (await isThere()),
  run: () => stamped(stampFile, print, () => run(process.execPath, [maker], { cwd: repo })),
};
