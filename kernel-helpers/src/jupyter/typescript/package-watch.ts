/** Notices that a package was installed again while the kernel runs: its package.json is another one. */
import { stampOf } from "./kept.js";
import { nodeModulesOf, PACKAGE_ROOT } from "./package-paths.js";

/** The package that a file belongs to, such as `/home/me/node_modules/@scope/name`. */
const packagePath = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;

export class PackageWatch {
  readonly #stamps = new Map<string, string>();
  /** What this kernel came with stays as it is. */
  readonly #ours = nodeModulesOf(PACKAGE_ROOT);

  /** Watches the package of a file that is used. */
  add(file: string): void {
    const directory = packagePath.exec(file)?.[0];
    if (!directory || this.#stamps.has(directory)) return;
    if (this.#ours.some((root) => directory.startsWith(`${root}/`))) return;
    this.#stamps.set(directory, stampOf(`${directory}/package.json`));
  }

  /** The directories of packages that changed since they were last looked at. */
  changed(): string[] {
    const changed: string[] = [];
    for (const [directory, stamp] of this.#stamps) {
      const now = stampOf(`${directory}/package.json`);
      if (now === stamp) continue;
      this.#stamps.set(directory, now);
      changed.push(directory);
    }
    return changed;
  }
}
