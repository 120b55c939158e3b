import { existsSync } from "node:fs";
import { requireInteger, requirePowerOfTwo } from "../base/arguments.js";
import type { ShippedPrograms } from "../generated/programs.js";
import { lacking } from "../base/capabilities.js";
import { ArgumentError, LoadError, NotRootError } from "../base/errors.js";
import { Btf, type Layout, type Variable } from "../bpf/btf.js";
import { encode } from "../bpf/codec.js";
import { requireSizes } from "../bpf/map-sizes.js";
import { carryGlobals } from "../bpf/globals.js";
import { noConstant } from "../bpf/hidden-variables.js";
import { compileShipped, type Compiled } from "../clang/compile.js";
import { refuseUnknownOptions, unknownName } from "../base/names.js";
import { chooseAlternatives, choosePrograms, type ProgramChoice } from "../bpf/autoload.js";
import { loadError, verifierAdvice } from "../bpf/load-error.js";
import { requireOperations, withKnownSections } from "../bpf/link/struct-ops.js";
import { setNewerTypes } from "../bpf/link/newer-sections.js";
import { BY_FENTRY, targetSystemCalls, whyTracepoints } from "../bpf/link/system-calls.js";
import { removeOrphanedFilters } from "../bpf/link/clsact.js";
import { isNativeError, native, type NativeError, type ObjectHandle } from "../base/native.js";
import { setTargets, targetsText, type Targets } from "../bpf/targets.js";
import { sectionName } from "../bpf/sections.js";
import { inCell, offsetOf } from "../bpf/source-place.js";
import { BpfObject } from "./object.js";
import { ownIds } from "../bpf/self.js";
import { replace, running } from "./session.js";
import type { ProgramTypes, UnknownTypes } from "../bpf/program-types.js";
import { verifierError } from "../bpf/verifier/error.js";

/** What a program is loaded with. */
export interface LoadOptions<T extends ProgramTypes = UnknownTypes> {
  /** `const volatile` variables. `own_tgid` and `own_parent_tgid` are filled in when they are not given. */
  constants?: Partial<T["constants"]>;
  /** Globals to set; also when an equal object is running already. */
  globals?: Partial<T["globals"]>;
  /** Sizes of maps: entries, or bytes of a ring buffer (a power of two, at least a page). */
  maxEntries?: Partial<Record<keyof T["maps"], number>>;
  /** Which programs are loaded: `false` leaves one out, `true` takes one in that `SEC("?…")` leaves out. */
  programs?: ProgramChoice<T["programs"]>;
  /**
   * What programs are about whose SEC() does not say it, such as `SEC("fentry")`: a function, tracepoint or iterator of
   * the kernel by its name; of fentry, fexit and freplace also a loaded program, `{ program, function }`.
   */
  targets?: Targets<T["programs"] & string>;
  /** Groups of programs that are alternatives to each other: of each, the first that this kernel loads. */
  alternatives?: T["programs"][][];
  /** Maps to take over, with all they hold, from the instance that this one replaces. */
  keep?: (keyof T["maps"] & string)[];
  /** A file with the types (BTF) of the kernel to adapt field offsets to, where this one has none; CO-RE. */
  btf?: string;
  /** @internal set what user space has set in the globals of the instance that this one replaces; told which they are */
  onKept?: (globals: string[]) => void;
}

/**
 * Loads a program into the kernel: a shipped one by its name, or what `compile` returned.
 *
 * Loading a name again replaces the running instance: the new one is verified first, attached
 * where the old one was, and only then is the old one closed. If anything fails, the old one
 * runs on. When nothing changed, the running instance is returned and only `globals` are applied.
 *
 * @throws NotRootError, MissingFeatureError, CompileError, VerifierError, LoadError, ArgumentError
 * @example
 * const ringbuf = await bpf.load("ringbuf", { maxEntries: { rb: 1 << 20 } });
 */
export function load<Name extends keyof ShippedPrograms>(
  name: Name,
  options?: LoadOptions<ShippedPrograms[Name]>,
): Promise<BpfObject<ShippedPrograms[Name]>>;
export function load<T extends ProgramTypes = UnknownTypes>(
  compiled: Compiled,
  options?: LoadOptions<T>,
): Promise<BpfObject<T>>;
export async function load(what: string | Compiled, options: LoadOptions = {}): Promise<BpfObject> {
  refuseUnknownOptions("load", options, known);
  requireRights();
  const compiled = typeof what === "string" ? await compileShipped(what) : what;
  const turn = (turns.get(compiled.name) ?? Promise.resolve()).then(() => loadInTurn(compiled, options));
  turns.set(compiled.name, turn.then(noop, noop));
  return turn;
}

const known: readonly (keyof LoadOptions)[] = [
  "constants",
  "globals",
  "maxEntries",
  "programs",
  "targets",
  "alternatives",
  "keep",
  "btf",
  "onKept",
];

// Loads of one name follow each other: two at once would both replace the same instance, and one would stay attached unseen.
const turns = new Map<string, Promise<void>>();
const noop = () => {};

async function loadInTurn(compiled: Compiled, options: LoadOptions): Promise<BpfObject> {
  const fingerprint = JSON.stringify(
    [
      ...[compiled.hash, options.constants, options.maxEntries, options.programs, options.alternatives, options.btf],
      targetsText(options.targets),
    ],
    (_, v: unknown) => (typeof v === "bigint" ? `${v}n` : v),
  );
  const before = running(compiled.name);
  if (before?.fingerprint !== fingerprint) return start(compiled, options, fingerprint, before);
  setGlobals(before, options);
  return before;
}

function setGlobals(object: BpfObject, { globals = {} }: LoadOptions): void {
  for (const [name, value] of Object.entries(globals)) object.globals[name] = value;
}

async function start(
  compiled: Compiled,
  options: LoadOptions,
  fingerprint: string,
  before: BpfObject | undefined,
): Promise<BpfObject> {
  removeOrphanedFilters();
  const own = await ownIds();
  const { handle, btf } = prepare(compiled, options, own);
  let object: BpfObject;
  try {
    const chosen = chooseAlternatives(
      () => prepare(compiled, options, own).handle,
      compiled.name,
      options.alternatives ?? [],
      (tried) => loadVerified(tried, compiled),
    );
    choosePrograms(handle, compiled.name, { ...chosen, ...options.programs });
    for (const map of options.keep ?? []) keepMap(handle, btf, compiled.name, map, before);
    requireOperations(handle, compiled.name);
    requireSizes(native.bpf_object__maps(handle), compiled);
    loadVerified(handle, compiled);
    const { name, elf } = compiled;
    object = BpfObject.make({ name, handle, btf, fingerprint, written: compiled, elf });
  } catch (error) {
    native.bpf_object__close(handle);
    throw error;
  }
  try {
    if (before && options.onKept) options.onKept(carryGlobals(before.globals, object.globals));
    setGlobals(object, options);
    await replace(object);
  } catch (error) {
    object.close();
    throw error;
  }
  return object;
}

/** Opens an object and sets what has to be set before the kernel sees it, but for the choice of programs. */
function prepare(compiled: Compiled, options: LoadOptions, own: object): { handle: ObjectHandle; btf: Btf } {
  const handle = open(compiled, options.btf);
  try {
    const btf = new Btf(native.bpf_object__btf(handle));
    const found = { ...own, ...chooseSystemCallHooks(handle, btf, compiled.name, options.constants) };
    setConstants(handle, btf, compiled, found, options.constants ?? {});
    setSizes(handle, btf, compiled.name, options.maxEntries ?? {});
    setTargets(handle, compiled.name, options.targets ?? {});
    return { handle, btf };
  } catch (error) {
    native.bpf_object__close(handle);
    throw error;
  }
}

function open(compiled: Compiled, btf: string | undefined): ObjectHandle {
  const { elf, name } = compiled;
  if (btf !== undefined && !existsSync(btf)) throw new ArgumentError(`btf: the file ${btf} is not there.`);
  try {
    const object = native.bpf_object__open_mem(withKnownSections(elf), name, btf);
    setNewerTypes(object);
    return object;
  } catch (error) {
    throw isNativeError(error) ? refusal(`libbpf cannot open ${name}`, error, compiled) : error;
  }
}

function loadVerified(handle: ObjectHandle, compiled: Compiled): void {
  try {
    native.bpf_object__load(handle);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (error.code === "EAGAIN")
      throw new LoadError(`The kernel gave up checking ${compiled.name}: signals kept interrupting it.`, {
        ...{ errno: error.errno, log: error.log, cause: error },
        hint: "A profiler that samples this process by signals has to end before.",
      });
    const rejected = verifierError(error.log, compiled);
    const advice = rejected && verifierAdvice(rejected.reason);
    if (rejected) throw advice ? rejected.advise(advice) : rejected;
    throw refusal(`The kernel does not load ${compiled.name}`, error, compiled, handle);
  }
}

/** The error, at the line of the program or map that libbpf names. */
function refusal(what: string, error: NativeError, compiled: Compiled, handle?: ObjectHandle) {
  const told = loadError(what, error, handle);
  // Where the array's index stands that no element has.
  const index = /relo #\d+: parsing .*?(\d+) failed/.exec(error.log)?.[1];
  const at = index === undefined ? -1 : compiled.source.search(new RegExp(`\\[\\s*${index}\\s*\\]`));
  if (at >= 0) return inCell(told, at, compiled);
  const [, kind, name] = /^libbpf: (prog|map) '(\w+)'/m.exec(error.log) ?? [];
  if (name === undefined) return told;
  return inCell(told, offsetOf(kind === "map" ? "map" : "program", name, compiled.source), compiled);
}

/** Programs on system calls' tracepoints that can do without get onto the calls' functions where that costs less. */
function chooseSystemCallHooks(
  handle: ObjectHandle,
  btf: Btf,
  name: string,
  given: Record<string, unknown> = {},
): Record<string, boolean> {
  const canChoose = btf.section(".rodata").some((variable) => variable.name === BY_FENTRY);
  if (!canChoose || !(given[BY_FENTRY] ?? whyTracepoints() === undefined)) return {};
  try {
    targetSystemCalls(handle);
  } catch (error) {
    throw isNativeError(error) ? loadError(`${name} cannot watch system calls by fentry`, error, handle) : error;
  }
  return { [BY_FENTRY]: true };
}

function setConstants(
  handle: ObjectHandle,
  btf: Btf,
  { name, source }: Compiled,
  own: object,
  given: Record<string, unknown>,
): void {
  const rodata = native.bpf_object__maps(handle).filter((d) => d.isInternal && d.name.includes(".rodata"));
  const known = new Map<string, Variable & { map: string }>();
  for (const { name: map } of rodata)
    for (const v of btf.section(sectionName(map))) if (!v.name.includes(".")) known.set(v.name, { ...v, map });
  for (const constant of Object.keys(given))
    if (!known.has(constant))
      throw noConstant(name, source, constant) ?? unknownName("constant", name, constant, [...known.keys()]);
  for (const [constant, value] of Object.entries({ ...own, ...given })) {
    const variable = known.get(constant); // a program need not have those of our own
    if (variable)
      native.bpf_map__set_initial_value(
        handle,
        variable.map,
        variable.offset,
        encode(variable.layout, value, `${name}.constants.${constant}`),
      );
  }
}

function setSizes(handle: ObjectHandle, btf: Btf, name: string, sizes: Record<string, number | undefined>): void {
  const maps = native.bpf_object__maps(handle).filter((d) => !d.isInternal);
  for (const [map, size] of Object.entries(sizes)) {
    const description = maps.find((d) => d.name === map);
    if (!description)
      throw unknownName(
        "map",
        name,
        map,
        maps.map((d) => d.name),
      );
    const isRing = description.typeName === "ringbuf";
    const entries = isRing
      ? requirePowerOfTwo(`maxEntries.${map}, the ring buffer's bytes`, size, { from: 4096 })
      : requireInteger(`maxEntries.${map}`, size, { from: 1 });
    if (isRing) wakeEarlier(handle, btf, map, entries);
    native.bpf_map__set_max_entries(handle, map, entries);
  }
}

function keepMap(handle: ObjectHandle, btf: Btf, name: string, map: string, before: BpfObject | undefined): void {
  const maps = native.bpf_object__maps(handle).filter((d) => !d.isInternal);
  const wanted = maps.find((d) => d.name === map);
  if (!wanted)
    throw unknownName(
      "map",
      name,
      map,
      maps.map((d) => d.name),
    );
  if (!before) return;
  const held = before.maps[map]!;
  const shape = (type: string, key: Layout | undefined, value: Layout | undefined) =>
    `${type} of ${key?.size ?? 0}-byte keys and ${value?.size ?? 0}-byte values`;
  const [was, is] = [
    shape(held.type, held.keyLayout, held.valueLayout),
    shape(wanted.typeName, btf.mapPart(map, "key"), btf.mapPart(map, "value")),
  ];
  if (was !== is)
    throw new ArgumentError(
      `keep: the map ${held.path} was a ${was} and is a ${is} now, so its entries cannot be kept.`,
      { hint: "Leave it out of keep: the new one starts empty." },
    );
  native.bpf_map__reuse_fd(handle, map, held.handle);
}

// A reader that is woken at 512 KiB would never be woken by a ring of 64 KiB.
function wakeEarlier(handle: ObjectHandle, btf: Btf, ring: string, size: number): void {
  const variable = btf.section(".data").find((v) => v.name === `${ring}_wakeup_bytes`);
  const map = native.bpf_object__maps(handle).find((d) => d.isInternal && sectionName(d.name) === ".data");
  if (variable && map)
    native.bpf_map__set_initial_value(
      handle,
      map.name,
      variable.offset,
      encode(variable.layout, Math.min(size / 4, 512 * 1024), variable.name),
    );
}

/** Root, or a process that was given CAP_BPF. */
function requireRights(): void {
  const missing = lacking("CAP_BPF");
  if (missing.length > 0) throw new NotRootError("Loading a BPF program", missing);
}
