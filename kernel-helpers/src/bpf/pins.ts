import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { isNativeError, native } from "../base/native.js";
import { listNames } from "../base/names.js";
import { requireRoom } from "./bpffs.js";

/** A handle of what can be pinned. */
export abstract class Pinnable {
  readonly #pins: Pins;

  protected constructor(pins = new Pins()) {
    this.#pins = pins;
  }

  /** Its descriptor in this process. */
  abstract get fd(): number;

  /**
   * Pins it to a path on a bpffs, where it stays after this process has ended: left behind on purpose, until `unpin` or
   * rm removes the path. A map keeps all it holds; a program stays loaded, though not attached.
   *
   * @throws ArgumentError when the path is no new one on a bpffs, and what to mount; ClosedError
   * @example
   * stats.maps.stats_map.pin("/sys/fs/bpf/stats_map");
   */
  pin(path: string): this {
    this.#pins.add(this.fd, path);
    return this;
  }

  /**
   * Removes the paths that it was opened from and that `pin` has made, or one of them; what was pinned stays while
   * somebody uses it.
   *
   * @throws ArgumentError for a path that is none of these
   */
  unpin(path?: string): void {
    this.#pins.remove(path);
  }

  /** The paths that it was opened from and that `pin` has made, as far as they are still there. */
  get pinned(): string[] {
    return this.#pins.paths();
  }
}

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
