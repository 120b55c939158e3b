/** What `require` finds in a cell: packages of the notebook's directory first, then those this kernel came with. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isBare, packageRoot } from "./installation.js";
import { leashSubscriptions, type Subscribable } from "../process/ownership.js";

const ours = createRequire(join(packageRoot, "dist/api/index.js"));

/** Packages whose top-level await keeps `require` from loading them, loaded by `import()` before the cell ran. */
const imported = new Map<string, unknown>();

function isMissing(error: unknown, id: string): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === "MODULE_NOT_FOUND" && String(message).startsWith(`Cannot find module '${id}'`);
}

let leashed = false;

/** The first import of what uses RxJS loads it anyway. */
function leashRxjs(id: string): void {
  if (leashed || !(id === "kernel-helpers" || id.startsWith("rxjs"))) return;
  leashed = true;
  leashSubscriptions((ours("rxjs") as { Observable: Subscribable }).Observable);
}

/** Wraps the `require` that tslab gives to cells. */
export function cellRequire(require: NodeJS.Require): NodeJS.Require {
  return new Proxy(require, {
    apply(target, self, args: [string]) {
      const [id] = args;
      if (imported.has(id)) return imported.get(id);
      leashRxjs(id);
      // Always our own: another copy would not know this kernel.
      if (id === "kernel-helpers") return ours(id);
      try {
        return Reflect.apply(target, self, args) as unknown;
      } catch (error) {
        if (!isBare(id) || !isMissing(error, id)) throw error;
        try {
          return ours(id) as unknown;
        } catch (second) {
          throw isMissing(second, id) ? error : second;
        }
      }
    },
  });
}

/** Loads the package that nearly every notebook imports, ahead of its first import. */
export function loadHelpers(): void {
  try {
    leashRxjs("kernel-helpers");
    ours("kernel-helpers");
  } catch {
    // The cell that imports it will say what is wrong.
  }
}

/** Loads those of a cell's imports that only `import()` can load. */
export async function preload(require: NodeJS.Require, specifiers: Iterable<string>): Promise<void> {
  for (const id of specifiers) {
    if (!isBare(id) || imported.has(id)) continue;
    try {
      require(id);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_REQUIRE_ASYNC_MODULE") continue; // the cell itself will say what is wrong
      imported.set(id, await import(pathToFileURL(resolve(require, id)).href));
    }
  }
}

function resolve(require: NodeJS.Require, id: string): string {
  try {
    return require.resolve(id);
  } catch {
    return ours.resolve(id);
  }
}
