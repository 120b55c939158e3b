import { AttachError, MissingFeatureError } from "../base/errors.js";
import type { AttachOptions } from "./link/hooks.js";
import { optionsOf, throwIfAny } from "./link/several.js";
import { StructOps } from "./link/struct-ops.js";
import type { Btf } from "./btf.js";
import { globalsObject, visibleVariables } from "./globals.js";
import { lossOffsets, LOSS_SECTION } from "./loss-counters.js";
import { noGlobal } from "./hidden-variables.js";
import { mapLayouts } from "./map-layouts.js";
import type { MapBase, MapParts } from "./map.js";
import { namedObject, unknownName } from "../base/names.js";
import { Pins } from "./pins.js";
import { native, type LinkHandle, type MapDescription, type MapHandle, type ObjectHandle } from "../base/native.js";
import { BpfProgram, closed } from "./program.js";
import { isRing, RingRecords, type RecordType } from "./ring-records.js";
import { isGlobalSection, sectionName } from "./sections.js";
import { inCell, offsetOf, type WrittenSource } from "./source-place.js";
import type { ProgramTypes, UnknownTypes } from "./program-types.js";

/** What a ring buffer or a perf event array of an object carries, for the layers that read it. */
export interface RingDescription {
  map: MapBase;
  /** The types of its records; none where nothing tells. */
  records: RecordType[];
  /** Where the program counts what found no room: in one counter, or in several that add up. */
  loss: { map: MapHandle; offsets: number[] } | undefined;
}

/** Makes the handle of a map; the layer above gives one that also makes tables. */
export type MakeMap = (parts: MapParts) => MapBase;

/** What an object's handle is made from. */
export interface ObjectParts {
  name: string;
  /** Loaded. */
  handle: ObjectHandle;
  btf: Btf;
  /** What it was loaded from: an equal fingerprint means an equal object. */
  fingerprint: string;
  /** The C text and where it was written, for what errors say of its variables and programs. */
  written: WrittenSource;
  /** The object file; without it the records of rings are known by BTF alone. */
  elf?: Uint8Array;
}

/** Handles of an object's maps and of its sections of globals: all of them, or none is left open. */
function openMaps(object: ObjectHandle, maps: readonly MapDescription[]): Map<string, MapHandle> {
  const opened = new Map<string, MapHandle>();
  try {
    for (const { name, isInternal } of maps)
      if (!isInternal || isGlobalSection(name)) opened.set(name, native.bpf_object__find_map_by_name(object, name));
  } catch (error) {
    for (const map of opened.values()) native.bpf_map__close(map);
    throw error;
  }
  return opened;
}

/**
 * A loaded BPF object, as far as libbpf goes: its maps, globals and programs, typed from BTF. What a user holds is
 * `BpfObject` of handles, which adds streams and tables.
 *
 * Closing detaches its programs and frees its maps; so does the end of the process,
 * whatever ends it, because the kernel detaches with the last descriptor.
 */
export class ObjectBase<T extends ProgramTypes = UnknownTypes> {
  /** The name it was loaded by. */
  readonly name: string;
  /** Its maps by name; data sections such as `.bss` are in `globals`. */
  readonly maps: { readonly [M in keyof T["maps"]]: MapBase<T["maps"][M]["key"], T["maps"][M]["value"]> };
  /** Variables of the running program: read and written in place. */
  readonly globals: T["globals"];
  /** Its programs by the names of their C functions. */
  readonly programs: { readonly [P in T["programs"]]: BpfProgram };
  /** @internal what it was loaded from: an equal fingerprint means an equal object */
  readonly fingerprint: string;
  readonly #handle: ObjectHandle;
  readonly #written: WrittenSource;
  readonly #btf: Btf;
  readonly #records: RingRecords;
  readonly #sections: MapHandle[] = [];
  readonly #onClose = new Set<() => void>();
  #closed = false;

  protected constructor({ name, handle, btf, fingerprint, written, elf }: ObjectParts, makeMap: MakeMap) {
    this.name = name;
    this.fingerprint = fingerprint;
    this.#handle = handle;
    this.#written = written;
    this.#btf = btf;
    this.#records = new RingRecords(btf, elf);
    const maps: Record<string, MapBase> = {};
    const variables: Parameters<typeof globalsObject>[1] = [];
    const descriptions = native.bpf_object__maps(handle);
    const rings = descriptions.filter((d) => d.typeName === "ringbuf").map((d) => d.name);
    const opened = openMaps(handle, descriptions);
    for (const description of descriptions) {
      if (!description.isInternal || !isGlobalSection(description.name)) continue;
      const map = opened.get(description.name)!;
      this.#sections.push(map);
      variables.push({ map, variables: visibleVariables(btf.section(sectionName(description.name)), rings) });
    }
    for (const description of descriptions) {
      if (description.isInternal) continue;
      const { key, value } = mapLayouts(btf, description);
      const map = opened.get(description.name)!;
      const loss = this.#find(`${description.name}_lost`);
      const pins = new Pins(description.pinPath);
      maps[description.name] = makeMap({ owner: name, handle: map, description, key, value, loss, pins });
    }
    this.maps = namedObject("map", name, maps) as typeof this.maps;
    this.globals = globalsObject(
      `${name}.globals`,
      variables,
      () => this.#closed,
      (variable) => noGlobal(name, written.source, variable),
    );
    const programs = native
      .bpf_object__programs(handle)
      .map((p) => [p.name, BpfProgram.make(() => this.#open(), p)] as const);
    this.structOps = descriptions
      .filter((d) => d.typeName === "struct_ops")
      .map((d) => new StructOps(() => this.#open(), d));
    this.programs = namedObject("program", name, Object.fromEntries(programs)) as typeof this.programs;
  }

  #open(): ObjectHandle {
    if (this.#closed) throw closed(this.name);
    return this.#handle;
  }

  /** @internal the operations that its programs implement, which are attached with them */
  readonly structOps: readonly StructOps[];

  #programs(): BpfProgram[] {
    return Object.values<BpfProgram>(this.programs);
  }

  /** True once it has been closed, or replaced by another one of its name. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True while at least one program is attached. */
  get attached(): boolean {
    return [...this.#programs(), ...this.structOps].some((one) => one.attached);
  }

  /**
   * Attaches each program to the hook that its SEC() and the options name; those that are attached there stay as they
   * are, and those without a hook, such as SEC("syscall"), are left alone. If some cannot be, programs attached by this
   * call are detached again, and the error names each of them.
   * If the object has a global attached_ns, it gets the time, CLOCK_MONOTONIC, so that programs can tell what is of an earlier one.
   *
   * @param options what SEC() does not say, for all programs that take it, and under `programs` for single ones;
   *   `programs: { NAME: false }` leaves one out
   * @returns this object
   * @throws AttachError, MissingFeatureError, ClosedError, ArgumentError
   * @example
   * await ringbuf.attach();
   * await filter.attach({ interface: "eth0", direction: "ingress" });
   * await mine.attach({ programs: { on_sample: { frequency: 99 }, on_packet: false } });
   */
  async attach(options: AttachOptions<T["programs"] & string> = {}): Promise<this> {
    this.#open();
    const wanted = optionsOf(this.name, this.#programs(), options, this.structOps.length > 0);
    if (!this.attached && "attached_ns" in this.globals)
      Object.assign(this.globals, { attached_ns: native.clock_monotonic() });
    const fresh: BpfProgram[] = [];
    const failed: { program: BpfProgram; error: Error }[] = [];
    for (const [program, on] of wanted) {
      const was = program.attached;
      try {
        await program.attach(on);
        if (!was) fresh.push(program);
      } catch (error) {
        failed.push({ program, error: this.#underSection(program, on, error as Error) });
      }
    }
    if (failed.length === 0) for (const operations of this.structOps) operations.attach();
    if (failed.length > 0) for (const program of fresh) program.detach();
    throwIfAny(this.name, failed, wanted.size > failed.length);
    return this;
  }

  /** What SEC() alone was to say is shown there. */
  #underSection({ name }: BpfProgram, on: object | undefined, error: Error): Error {
    const isOfHook = error instanceof AttachError || error instanceof MissingFeatureError;
    if (!isOfHook || Object.keys(on ?? {}).length > 0) return error;
    return inCell(error, offsetOf("program", name, this.#written.source), this.#written);
  }

  /** Takes all programs off their hooks; maps and globals stay. Idempotent. */
  detach(): void {
    const links: LinkHandle[] = [];
    try {
      for (const one of [...this.#programs(), ...this.structOps]) links.push(...one.release());
    } finally {
      native.bpf_link__destroy(...links);
    }
  }

  /** A ring buffer or perf event array by its map's name. @throws ArgumentError that lists those there are, ClosedError */
  ring(name: string): RingDescription {
    this.#open();
    const rings = Object.values<MapBase>(this.maps).filter((map) => isRing({ typeName: map.type }));
    const map = rings.find((ring) => ring.name === name);
    if (!map)
      throw unknownName(
        "ring buffer",
        this.name,
        name,
        rings.map((ring) => ring.name),
      );
    return { map, records: this.#records.of({ name, typeName: map.type }), loss: this.#lossOf(name, rings.length) };
  }

  /** A type that the object names, in its BTF or its debug information. */
  recordType(name: string): RecordType | undefined {
    return this.#records.type(name);
  }

  #lossOf(ring: string, rings: number): RingDescription["loss"] {
    const own = this.#find(`${ring}_lost`);
    if (own) return { map: own.map, offsets: [own.offset] };
    const internal = native.bpf_object__maps(this.#handle).filter((d) => d.isInternal && isGlobalSection(d.name));
    const at = internal.findIndex(({ name }) => sectionName(name) === LOSS_SECTION);
    if (at < 0) return undefined;
    const map = this.#sections[at]!;
    const offsets = lossOffsets(native.map_memory_read(map, 0, internal[at]!.valueSize), ring, rings);
    return offsets && { map, offsets };
  }

  #find(variable: string): { map: MapHandle; offset: number } | undefined {
    const internal = native.bpf_object__maps(this.#handle).filter((d) => d.isInternal && isGlobalSection(d.name));
    for (const [i, description] of internal.entries()) {
      const found = this.#btf.section(sectionName(description.name)).find((v) => v.name === variable);
      if (found) return { map: this.#sections[i]!, offset: found.offset };
    }
    return undefined;
  }

  /** Calls back when the object closes; returns a function that takes it back. */
  onClose(act: () => void): () => void {
    this.#onClose.add(act);
    return () => this.#onClose.delete(act);
  }

  /** Detaches the programs and frees the maps; subscriptions to its events complete. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.detach();
    for (const act of [...this.#onClose]) act();
    this.#closed = true;
    for (const map of Object.values<MapBase>(this.maps)) map.close();
    for (const section of this.#sections) native.bpf_map__close(section);
    native.bpf_object__close(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
