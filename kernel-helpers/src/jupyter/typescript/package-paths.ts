/** Where this kernel and the packages it came with are installed. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the kernel-helpers package. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");

/** The directories of this kernel's own code: in a clone they lie outside of any `node_modules`. */
const ownCode = [
  join(PACKAGE_ROOT, "dist"),
  dirname(createRequire(import.meta.url).resolve("bpflab-native/package.json")),
];

/** True for files that do not change while a notebook is open, unlike the user's own. */
export function isInstalled(path: string): boolean {
  return path.includes("/node_modules/") || ownCode.some((directory) => path.startsWith(`${directory}/`));
}

/** Every `node_modules` directory that applies to a directory, nearest first. */
export function nodeModulesOf(directory: string): string[] {
  const found: string[] = [];
  for (let at = directory; ; at = dirname(at)) {
    const candidate = join(at, "node_modules");
    if (existsSync(candidate)) found.push(candidate);
    if (dirname(at) === at) return found;
  }
}

/** True for a specifier that names a package rather than a path or a module of Node. */
export function isBare(specifier: string): boolean {
  return !/^(?:\.{0,2}\/|node:|[a-z]+:\/\/)/.test(specifier) && specifier !== "." && specifier !== "..";
}

/** Files that are other ones when the packages are that this kernel came with. */
export const installedFacts = nodeModulesOf(PACKAGE_ROOT).map((root) => join(root, ".package-lock.json"));
