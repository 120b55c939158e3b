/** Remembers what a build was made from, so that it is made again only when that has changed. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A hash over the contents and names of files, directories (with all below them) and plain facts.
 *
 * @param {string[]} paths files and directories; one that is missing counts as empty
 * @param {string[]} facts versions and the like
 */
export function fingerprint(paths, facts = []) {
  const hash = createHash("sha256");
  for (const path of paths) addPath(hash, path);
  for (const fact of facts) hash.update(`fact\0${fact}\0`);
  return hash.digest("hex");
}

function addPath(hash, path) {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) addPath(hash, join(path, name));
  } else {
    const content = readFileSync(path);
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
}

/** True if `file` holds this fingerprint. */
export function isStamped(file, print) {
  return existsSync(file) && readFileSync(file, "utf8") === print;
}

/**
 * Runs a build between taking its stamp away and writing it: one that was killed has none, whatever it is built from next.
 *
 * @param {string} file the stamp
 * @param {() => string} print what it is built from; taken before the build, for sources that change meanwhile
 * @param {(wasWhole: boolean) => Promise<unknown>} build told whether the last one had ended
 */
export async function stamped(file, print, build) {
  const before = print();
  const wasWhole = existsSync(file);
  rmSync(file, { force: true });
  await build(wasWhole);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, before);
}
