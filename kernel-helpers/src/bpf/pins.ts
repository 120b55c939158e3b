import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { isNativeError, native } from "../base/native.js";
import { listNames } from "../base/names.js";
import { requireRoom } from "./bpffs.js";

/** The paths at which a handle has pinned what it stands for; they outlive it. */
export class Pins {
  readonly #paths = new Set<string>();

  /** @param path known to be pinned already */
  constructor(path?: string) {
    if (path !== undefined) this.#paths.add(resolve(path));
  }

  /** @throws ArgumentError */
  add(fd: number, path: string): void {
    requireRoom(path);
    try {
      native.bpf_obj_pin(fd, path);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new ArgumentError(`It cannot be pinned at ${path}: ${error.message}.`, { cause: error });
    }
    this.#paths.add(resolve(path));
  }

  /** Removes one of the paths, or all. @throws ArgumentError for one that this handle has not pinned */
  remove(path?: string): void {
    const known = this.paths();
    const wanted = path === undefined ? known : [resolve(path)];
    for (const one of wanted) {
      if (!known.includes(one))
        throw new ArgumentError(`unpin: this handle has pinned nothing at ${one}.`, {
          hint: `It is pinned at: ${listNames(known)}.`,
        });
      rmSync(one, { force: true });
      this.#paths.delete(one);
    }
  }

  /** Those that are still there. */
  paths(): string[] {
    return [...this.#paths].filter((path) => existsSync(path));
  }
}
