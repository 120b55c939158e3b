import { inspect } from "node:util";
import { ClosedError } from "../base/errors.js";
import { refuseUnknownOptions } from "../base/names.js";
import { visible } from "../base/text.js";
import { native, type KernelProgram, type LinkHandle, type MapHandle, type ProgramHandle } from "../base/native.js";
import type { MapParts } from "../bpf/map.js";
import { layoutsInKernel, linkTypeName, openById, openPinned, targetOf } from "../bpf/kernel-objects.js";
import { Pinnable, Pins } from "../bpf/pins.js";
import { runStats, type ProgramStats } from "../bpf/program.js";
import { BpfMap } from "./map.js";

/** How to open a map that another process has loaded. */
export interface OpenForeignOptions {
  /** True to change it too; by default it is only read. */
  writable?: boolean;
}

/** How a handle came about, as the user wrote it, for errors. */
interface Origin {
  call: string;
  path?: string;
}

/**
 * A map that another process has loaded, or this one, with keys and values as the BTF types them that the kernel keeps.
 *
 * @example
 * const hashes = bpf.list().maps.filter((map) => map.type === "hash");
 * bpf.map(hashes.get("id", 0)).entries()
 */
export class ForeignMap<Key = any, Value = any> extends BpfMap<Key, Value> {
  /** The kernel's id of it, as bpftool shows it. */
  readonly id: number;
  /** True if it was opened to be changed, too. */
  readonly writable: boolean;

  private constructor(parts: MapParts, id: number, writable: boolean) {
    super(parts);
    this.id = id;
    this.writable = writable;
  }

  /** @internal */
  static open(handle: MapHandle, { call, path }: Origin, writable: boolean): ForeignMap {
    try {
      const info = native.bpf_map_get_info_by_fd(handle);
      const description = { ...info, isInternal: false };
      const { key, value } = layoutsInKernel(info);
      const parts = { owner: call, handle, description, key, value, loss: undefined, pins: new Pins(path) };
      const advice = `To change it, open it with ${call.replace(/\)$/, ", { writable: true })")}.`;
      return new ForeignMap({ ...parts, ...(writable ? {} : { readOnly: advice }) }, info.id, writable);
    } catch (error) {
      native.bpf_map__close(handle);
      throw error;
    }
  }

  /** Lets go of it; the map stays while others use it. Idempotent. */
  override close(): void {
    super.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * A program that another process has loaded, or this one.
 *
 * @example
 * const { programs } = bpf.list();
 * bpf.program(programs.get("id", 0)).stats()
 */
export class ForeignProgram extends Pinnable {
  /** The kernel's id of it, as bpftool shows it. */
  readonly id: number;
  /** The program's name as the kernel has it, up to 15 characters of the C function's. */
  readonly name: string;
  /** The kernel's name of its type, such as `tracepoint`. */
  readonly type: string;
  /** A hash of its instructions: equal programs have the same. */
  readonly tag: string;
  /** The user who has loaded it. */
  readonly uid: number;
  /** Ids of the maps that it uses. */
  readonly mapIds: readonly number[];
  readonly #handle: ProgramHandle;
  #closed = false;

  private constructor(handle: ProgramHandle, { id, name, typeName, tag, uid, mapIds }: KernelProgram, pins: Pins) {
    super(pins);
    this.#handle = handle;
    [this.id, this.name, this.type, this.tag, this.uid, this.mapIds] = [id, name, typeName, tag, uid, mapIds];
  }

  /** @internal */
  static open(handle: ProgramHandle, { path }: Origin): ForeignProgram {
    return new ForeignProgram(handle, native.bpf_prog_get_info_by_fd(handle), new Pins(path));
  }

  /** Its descriptor in this process, which a program array takes as a value. @throws ClosedError */
  override get fd(): number {
    return native.program_fd(this.#open());
  }

  /** True once this handle has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Handles of the maps that it uses. @throws ArgumentError when one has gone, ClosedError */
  maps(options?: OpenForeignOptions): ForeignMap[] {
    this.#open();
    return this.mapIds.map((id) => map(id, options));
  }

  /** Runs and time so far; the kernel starts counting at the first call in this process. See `stats` of `BpfProgram`. */
  stats(): ProgramStats {
    return runStats(() => native.bpf_prog_get_info_by_fd(this.#open()));
  }

  #open(): ProgramHandle {
    if (this.#closed) throw new ClosedError(`The program ${this.name}`);
    return this.#handle;
  }

  /** Lets go of it; the program stays while others use it. Idempotent. */
  close(): void {
    this.#closed = true;
    native.program_close(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `ForeignProgram ${this.name} (${this.type}, id ${this.id})${this.#closed ? " [closed]" : ""}`;
  }
}

/**
 * A pinned link: what keeps a program attached, also when no process is left that holds it.
 *
 * @example
 * const kept = bpf.pinned("/sys/fs/bpf/flows");
 * if (kept instanceof bpf.ForeignLink) kept.unpin();
 */
export class ForeignLink {
  /** The kernel's id of it, as bpftool shows it. */
  readonly id: number;
  /** The kernel's name of its type, such as `tcx`. */
  readonly type: string;
  /** The program that it keeps attached. */
  readonly programId: number;
  /** What it is attached to, where the kernel tells. */
  readonly target: string | undefined;
  readonly #handle: LinkHandle;
  readonly #pins: Pins;
  #closed = false;

  private constructor(handle: LinkHandle, pins: Pins) {
    [this.#handle, this.#pins] = [handle, pins];
    const info = native.bpf_link_get_info_by_fd(handle);
    [this.id, this.programId, this.type, this.target] = [info.id, info.programId, linkTypeName(info), targetOf(info)];
  }

  /** @internal */
  static open(handle: LinkHandle, { path }: Origin): ForeignLink {
    return new ForeignLink(handle, new Pins(path));
  }

  /** True once this handle has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Removes the path that it was opened from: its program is detached when nobody else holds the link. */
  unpin(): void {
    this.#pins.remove();
  }

  /** The path that it was opened from, while it is there. */
  get pinned(): string[] {
    return this.#pins.paths();
  }

  /** Lets go of it; the program stays attached while others hold the link. Idempotent. */
  close(): void {
    this.#closed = true;
    native.bpf_link__destroy(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `ForeignLink ${this.id} (${this.type}${this.target === undefined ? "" : ` on ${visible(this.target)}`}, program ${this.programId})${this.#closed ? " [closed]" : ""}`;
  }
}

/**
 * A map by the kernel's id of it, whoever has loaded it. It can only be read unless `writable` is true.
 *
 * @throws ArgumentError when there is none with this id, NotRootError
 * @example
 * const { maps } = bpf.list();
 * const map = bpf.map(maps.get("id", 0));
 */
export function map<Key = any, Value = any>(id: number, options: OpenForeignOptions = {}): ForeignMap<Key, Value> {
  refuseUnknownOptions("map", options, ["writable"]);
  const writable = options.writable === true;
  return ForeignMap.open(openById("map", id, writable), { call: `bpf.map(${id})` }, writable);
}

/**
 * A program by the kernel's id of it, whoever has loaded it.
 *
 * @throws ArgumentError when there is none with this id, NotRootError
 * @example
 * const { programs } = bpf.list();
 * bpf.program(programs.get("id", 0)).stats()
 */
export function program(id: number): ForeignProgram {
  return ForeignProgram.open(openById("program", id), { call: `bpf.program(${id})` });
}

/**
 * What is pinned at a path on a bpffs. A map can only be read unless `writable` is true.
 *
 * @throws ArgumentError when nothing is pinned there, and what is; NotRootError
 * @example
 * const flows = bpf.pinned("/sys/fs/bpf/flows");
 * if (flows instanceof bpf.ForeignMap) flows.entries();
 */
export function pinned(path: string, options: OpenForeignOptions = {}): ForeignMap | ForeignProgram | ForeignLink {
  refuseUnknownOptions("pinned", options, ["writable"]);
  const writable = options.writable === true;
  const found = openPinned(path, writable);
  const origin = { call: `bpf.pinned(${JSON.stringify(path)})`, path };
  switch (found.kind) {
    case "map":
      return ForeignMap.open(found.handle, origin, writable);
    case "program":
      return ForeignProgram.open(found.handle, origin);
    case "link":
      return ForeignLink.open(found.handle, origin);
  }
}
