/** npm packages: exactly those of package-lock.json. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { repo } from "./paths.mjs";

const packagesOf = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : undefined);

/** True if what npm wrote down about node_modules is what package-lock.json asks for. */
function matchesLock() {
  const wanted = packagesOf(join(repo, "package-lock.json"));
  const installed = packagesOf(join(repo, "node_modules/.package-lock.json"));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (!path.includes("node_modules/")) return true; // this repo's own packages, which are linked
    const there = installed[path];
    if (!there) return optional === true; // for other platforms
    return there.version === version && existsSync(join(repo, path, "package.json"));
  });
}

export const npmPackages = {
  title: "npm packages",
  done: matchesLock,
  // No install scripts: the addon is built in a step of its own, and zeromq brings its binary along.
  run: (progress) =>
    run("npm", ["ci", "--ignore-scripts", "--include=dev", "--no-audit", "--no-fund"], { cwd: repo, onLine: progress }),
};
