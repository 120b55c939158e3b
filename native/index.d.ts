/**
 * libbpf for Node.js, under libbpf's names. Calls that fail throw a `NativeError`;
 * a handle of the wrong kind throws a TypeError, a closed one errno 9 (EBADF).
 * Closing is idempotent, and what is open when the process ends is closed then.
 */

declare const kind: unique symbol;
/** A type-tagged handle: an opaque value that only this addon can open. */
export interface Handle<Kind extends string> {
  readonly [kind]: Kind;
}
export type ObjectHandle = Handle<"object">;
export type MapHandle = Handle<"map">;
export type ProgramHandle = Handle<"program">;
export type LinkHandle = Handle<"link">;
export type MountHandle = Handle<"mount">;
export type DrainerHandle = Handle<"drainer">;
export type RingHandle = Handle<"ring">;

/** What a failed call throws. */
export interface NativeError extends Error {
  /** The kernel's error number, positive. */
  errno: number;
  /** Its name, such as `EPERM`. */
  code: string;
  /** What libbpf printed meanwhile; after a failed load it holds the verifier's log. */
  log: string;
}

// Objects

/** @param btf a file with the types of the kernel to adapt it to; without it, of the running one */
export function bpf_object__open_mem(elf: Uint8Array, name: string, btf?: string): ObjectHandle;
/** Links object files into one (libbpf's static linker). */
export function bpf_linker(output: string, inputs: string[]): void;
/** Verifies and loads; returns libbpf's warnings. */
export function bpf_object__load(object: ObjectHandle): string;
export function bpf_object__close(object: ObjectHandle): void;
export interface ProgramDescription {
  name: string;
  section: string;
  type: number;
  typeName: string;
  /** enum bpf_attach_type, as SEC() says it; 0 where the type has none. */
  attachType: number;
  /** False when it is left out, by `SEC("?…")` or by `bpf_program__set_autoload`. */
  isLoaded: boolean;
  instructions: number;
}
export function bpf_object__programs(object: ObjectHandle): ProgramDescription[];
export interface MapDescription {
  name: string;
  type: number;
  typeName: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  keyTypeId: number;
  valueTypeId: number;
  isInternal: boolean;
  /** Where libbpf pins it when it is loaded, by LIBBPF_PIN_BY_NAME of its definition. */
  pinPath?: string;
}
export function bpf_object__maps(object: ObjectHandle): MapDescription[];
/** Part of `.rodata`, `.data` or `.bss`, before load. */
export function bpf_map__set_initial_value(object: ObjectHandle, map: string, offset: number, bytes: Uint8Array): void;
export function bpf_map__set_max_entries(object: ObjectHandle, map: string, entries: number): void;
/** Before load: use the map of another object instead of a new one. */
export function bpf_map__reuse_fd(object: ObjectHandle, map: string, other: MapHandle): void;
export function bpf_program__set_autoload(object: ObjectHandle, program: string, on: boolean): void;
/** Before load, for a SEC() that is newer than libbpf. */
export function bpf_program__set_type(
  object: ObjectHandle,
  program: string,
  type: number,
  attachType: number,
  flags: number,
): void;
/** Before load: the function of a loaded program (its descriptor), or of the kernel (0). */
export function bpf_program__set_attach_target(
  object: ObjectHandle,
  program: string,
  other: number,
  target: string,
): void;

// Programs and links

export interface ProgramInfo {
  id: number;
  bytesTranslated: number;
  bytesJited: number;
  verifiedInstructions: number;
  runs: number;
  /** ns in all runs; counted only while statistics are enabled */
  runTime: number;
  recursionMisses: number;
}
export function bpf_program__info(object: ObjectHandle, program: string): ProgramInfo;
export function bpf_program__attach(object: ObjectHandle, program: string): LinkHandle;
/** For programs whose type and target were set, whatever their SEC() says. */
export function bpf_program__attach_trace(object: ObjectHandle, program: string): LinkHandle;
export function bpf_program__attach_raw_tracepoint(
  object: ObjectHandle,
  program: string,
  tracepoint: string,
): LinkHandle;
/** Opens a perf event and attaches to it; without a type it is a tracepoint, whose id is `config`. */
export function bpf_program__attach_perf_event(
  object: ObjectHandle,
  program: string,
  event: {
    type?: number;
    config: number;
    period?: number;
    frequency?: number;
    pid?: number;
    cpu?: number;
    inherit?: boolean;
    cookie?: bigint;
  },
): LinkHandle;
export function bpf_program__attach_kprobe(
  object: ObjectHandle,
  program: string,
  target: string,
  options: { offset?: number; cookie?: bigint; isReturn?: boolean },
): LinkHandle;
export function bpf_program__attach_ksyscall(
  object: ObjectHandle,
  program: string,
  syscall: string,
  options: { cookie?: bigint; isReturn?: boolean },
): LinkHandle;
export function bpf_program__attach_uprobe(
  object: ObjectHandle,
  program: string,
  path: string,
  options: { function?: string; offset?: number; pid?: number; cookie?: bigint; isReturn?: boolean },
): LinkHandle;
export function bpf_program__attach_usdt(
  object: ObjectHandle,
  program: string,
  path: string,
  options: { provider: string; probe: string; pid?: number; cookie?: bigint },
): LinkHandle;
/** What it walks over: descriptors of a map or a cgroup, or one process or thread. */
export function bpf_program__attach_iter(
  object: ObjectHandle,
  program: string,
  options: { map?: number; cgroup?: number; pid?: number; tid?: number },
): LinkHandle;
/** All that an iterator prints in one pass. */
export function bpf_iter_read(link: LinkHandle): Buffer;
/** A filter on a socket, by its descriptor. */
export function socket_attach_bpf(object: ObjectHandle, program: string, socket: number): LinkHandle;
/** A filter on a packet socket of its own, which sees what an interface sees; 0: all interfaces. */
export function packet_socket_attach_bpf(object: ObjectHandle, program: string, ifindex: number): LinkHandle;
/** Descriptors, for calls that take one; they stay the map's and the program's. */
export function bpf_map__fd(map: MapHandle): number;
export function bpf_program__fd(object: ObjectHandle, program: string): number;
/**
 * @param target an interface's index, or a descriptor of a cgroup, a network namespace or a sock map
 * @param more what `linux/bpf.h` has behind the flags for this kind of link
 */
export function bpf_link_create(
  object: ObjectHandle,
  program: string,
  target: number,
  attachType: number,
  flags?: number,
  more?: Uint8Array,
): LinkHandle;
/** @param options `addresses`: of functions, all of which ftrace can enter */
export function bpf_link_create_kprobe_multi(
  object: ObjectHandle,
  program: string,
  options: { addresses: bigint[]; attachType: number; isReturn: boolean },
): LinkHandle;
export function bpf_link_create_uprobe_multi(
  object: ObjectHandle,
  program: string,
  options: { path: string; offsets: bigint[]; attachType: number; isReturn: boolean; pid?: number; cookies?: bigint[] },
): LinkHandle;
/** For kernels without a link of this kind; the handle takes it off again. */
export function bpf_prog_attach(object: ObjectHandle, program: string, target: number, attachType: number): LinkHandle;
export function bpf_map__attach_struct_ops(object: ObjectHandle, map: string): LinkHandle;
export function bpf_link_update(link: LinkHandle, object: ObjectHandle, program: string): void;
/** The link's descriptor, which stays its own. */
export function bpf_link__fd(link: LinkHandle): number;
export function bpf_link__destroy(...links: LinkHandle[]): void;
/** Whether this kernel has a type of program or map, found by trying; true when libbpf cannot tell. */
export function libbpf_probe_bpf_prog_type(type: number): boolean;
export function libbpf_probe_bpf_map_type(type: number): boolean;
/** Puts an empty fentry program on a function of the kernel, and takes it off again. @throws NativeError where that cannot be */
export function probe_fentry(name: string): void;
/** Run counts and run times are kept while this link is open. */
export function bpf_enable_stats(): LinkHandle;
export function bpf_prog_test_run(
  object: ObjectHandle,
  program: string,
  options?: { data?: Uint8Array; context?: Uint8Array; repeat?: number },
): { retval: number; duration: number; data: Buffer };

// Maps

export function bpf_object__find_map_by_name(object: ObjectHandle, map: string): MapHandle;
export function bpf_map__close(map: MapHandle): void;
export function bpf_map_lookup_elem(map: MapHandle, key: Uint8Array): Buffer | undefined;
export function bpf_map_update_elem(map: MapHandle, key: Uint8Array, value: Uint8Array, flags: number): void;
export function bpf_map_delete_elem(map: MapHandle, key: Uint8Array): boolean;
export function bpf_map_lookup_and_delete_elem(map: MapHandle, key: Uint8Array): Buffer | undefined;
/** A record for the programs that drain a user ring buffer. */
export function user_ring_buffer_push(map: MapHandle, bytes: Uint8Array): void;
/** Whether a bloom filter may hold a value. */
export function map_contains(map: MapHandle, value: Uint8Array): boolean;
/** Puts all in, or throws at the first that it cannot; one system call where the kernel has it. */
export function bpf_map_update_batch(map: MapHandle, keys: Uint8Array, values: Uint8Array): void;
/** Takes the keys out; returns how many were there. */
export function bpf_map_delete_batch(map: MapHandle, keys: Uint8Array): number;
/**
 * All entries side by side, none twice, also while others change the map.
 * @param batchBytes about how much a system call reads; 0: key by key, as kernels without batch operations have to
 */
export function map_walk(map: MapHandle, batchBytes: number): { rows: number; keys: Buffer; values: Buffer };
/** Records that lie side by side as columns, each record `repeat` times. */
export function map_columns(
  bytes: Uint8Array,
  plan: Plan,
  repeat: number,
): Columns & { labels: (string[] | undefined)[]; inexact: number };
export function map_memory_read(map: MapHandle, offset: number, length: number): Buffer;
export function map_memory_write(map: MapHandle, offset: number, bytes: Uint8Array): void;

// What the kernel holds, whoever has loaded it

/** @param flags of the descriptor: BPF_F_RDONLY is 8 */
export function bpf_map_get_fd_by_id(id: number, flags: number): MapHandle;
export function bpf_prog_get_fd_by_id(id: number): ProgramHandle;
export function bpf_link_get_fd_by_id(id: number): LinkHandle;
export type PinnedHandle =
  | { kind: "map"; handle: MapHandle }
  | { kind: "program"; handle: ProgramHandle }
  | { kind: "link"; handle: LinkHandle };
/** What is pinned at a path. @param flags as above; a link takes none */
export function bpf_obj_get(path: string, flags: number): PinnedHandle;
/** What a descriptor stands for stays in the kernel until the path is removed. */
export function bpf_obj_pin(fd: number, path: string): void;
/** The next id there is; undefined after the last. */
export function bpf_map_get_next_id(id: number): number | undefined;
export function bpf_prog_get_next_id(id: number): number | undefined;
export function bpf_link_get_next_id(id: number): number | undefined;
export interface KernelMap {
  id: number;
  /** At most 15 bytes of it. */
  name: string;
  type: number;
  typeName: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  /** 0 where it has no BTF. */
  btfId: number;
  keyTypeId: number;
  valueTypeId: number;
}
export function bpf_map_get_info_by_fd(map: MapHandle): KernelMap;
export interface KernelProgram extends ProgramInfo {
  name: string;
  type: number;
  typeName: string;
  /** A hash of its instructions. */
  tag: string;
  mapIds: number[];
  /** ns since the machine was started */
  loadTime: number;
  uid: number;
  btfId: number;
}
export function bpf_prog_get_info_by_fd(program: ProgramHandle): KernelProgram;
export interface KernelLink {
  id: number;
  /** enum bpf_link_type */
  type: number;
  programId: number;
  ifindex?: number;
  cgroupId?: number;
  /** enum bpf_perf_event_type; 0 before Linux 6.6. */
  eventType?: number;
  /** The tracepoint, function, file or iterator. */
  target?: string;
}
export function bpf_link_get_info_by_fd(link: LinkHandle): KernelLink;
/** Its descriptor, which stays the handle's. */
export function program_fd(program: ProgramHandle): number;
export function program_close(program: ProgramHandle): void;

// BTF

export interface BtfType {
  kind: string;
  name: string;
  size?: number;
  bits?: number;
  signed?: boolean;
  bool?: boolean;
  char?: boolean;
  type?: number;
  length?: number;
  members?: { name: string; type: number; bitOffset: number; bitSize: number }[];
  values?: { name: string; value: number | bigint }[];
  variables?: { type: number; offset: number; size: number }[];
  /** Of a decl_tag: which member it marks, or -1 for the type itself. */
  component?: number;
}
/** All types of an object; the index is the BTF id. */
export function bpf_object__btf(object: ObjectHandle): BtfType[];
/** The same of what the kernel has by this id. */
export function btf__load_from_kernel_by_id(id: number): BtfType[];
/**
 * The calls of an object file that hand records to rings, and the records' types from its debug information (DWARF),
 * in the shape of BTF. `size` where it is a constant, `type` (an index of `types`) where something tells. `types` also
 * has the types called `names`.
 */
export function find_records(
  elf: Uint8Array,
  names: string[],
): {
  types: BtfType[];
  sites: { map: string; size?: number; type?: number }[];
};
/** The types of a BTF file as C declarations. */
export function btf_dump_c(path: string): string;

// The drain thread

export interface PlanColumn {
  decode:
    | "u8"
    | "i8"
    | "u16"
    | "u16_be"
    | "u32_be"
    | "i16"
    | "u32"
    | "i32"
    | "f32"
    | "f64"
    | "u64"
    | "u64_be"
    | "i64"
    | "u64_exact"
    | "u64_be_exact"
    | "i64_exact"
    | "bits"
    | "text"
    | "enum"
    | "tail"
    | "variant";
  /** Bytes from the record's start. */
  offset: number;
  /** By variant, where the plan has several; negative in those without this field. */
  offsets?: number[];
  /** Bytes of the source: N of char[N], the integer under an enum or a bit field, an element of a `tail`. */
  width?: number;
  /** Bytes of the longest `tail`; without it there is no limit. */
  most?: number;
  /** Elements a row; more than 1 for a fixed array. */
  count?: number;
  /** Of `bits`, and of an `enum` that is a bit field. */
  bitOffset?: number;
  bitSize?: number;
  signed?: boolean;
  labels?: { name: string; value: number | bigint }[];
}
/** A type of record: by its tag, if the plan has one, and by how long it may be; without `most` as long as it likes. */
export interface PlanVariant {
  tag?: number | bigint;
  least: number;
  most?: number;
}
export interface Plan {
  recordSize: number;
  columns: PlanColumn[];
  /** The types of records; without it there is one of exactly `recordSize` bytes. */
  variants?: PlanVariant[];
  /** Where a record says of which type it is: an integer of `tagWidth` bytes. Without it its length says. */
  tagOffset?: number;
  tagWidth?: number;
}
export interface RingTotals {
  delivered: number;
  /** Read from the ring and not handed over yet. */
  waiting: number;
  /** Undefined where nobody counts them. */
  lost?: number;
  /** Of a perf event array: the same by CPU. */
  lostByCpu?: number[];
  dropped: number;
  unread: number;
  /** Read, but of another length than their type has: in no table. */
  malformed: number;
  /** Bytes of the last of these. */
  malformedLength: number;
  inexact: number;
}
/** Rows as columns: each stands in its buffer, which several may share, from its offset on. */
export interface Columns {
  rows: number;
  buffers: ArrayBuffer[];
  offsets: number[];
  /** Of each `tail` the bytes of all rows; the column has where each row's end. */
  heaps?: (ArrayBuffer | undefined)[];
}
export interface Taken {
  chunks: Columns[];
  /** Per column, the strings that got a code since the last take, in code order. */
  labels: (string[] | undefined)[];
  totals: RingTotals;
}
/** One thread for all rings; calls `notify` on the event loop when a subscribed ring has rows. */
export function drain_start(notify: () => void): DrainerHandle;
export function drain_stop(drainer: DrainerHandle): void;
export function drain_add(
  drainer: DrainerHandle,
  map: MapHandle,
  plan: Plan,
  options: { bufferBytes: number; loss?: MapHandle; lossOffset?: number; lossOffsets?: number[]; cpuBytes?: number },
): RingHandle;
/** Stops reading it. The last account: what waits is unread. */
export function drain_remove(drainer: DrainerHandle, ring: RingHandle): RingTotals;
/** How: 0 no more; 1 for batches, taken often; 2 to gather: one take at the end gets all in one piece. */
export function drain_subscribe(drainer: DrainerHandle, ring: RingHandle, how: 0 | 1 | 2): void;
/** With `now` it reads first what the ring holds at this moment. */
export function drain_totals(ring: RingHandle, now?: boolean): RingTotals;
export function drain_take(ring: RingHandle): Taken;
/** What became of a ring's records, as whoever reads them notes it in the ring. Counts of records. */
export interface RingJournal {
  /** Read for who subscribes. */
  kept: number;
  dropped: number;
  unread: number;
  malformed: number;
  /** Committed, and not read yet. */
  waiting: number;
}
/** Also of a ring whose reader has gone; undefined when that reader is none that notes it. */
export function ring_journal(map: MapHandle): RingJournal | undefined;

// Symbols of processes

export type SymbolsHandle = Handle<"symbols">;
/** Names addresses of a process, also after its end; by elfutils. */
export function symbols_open(pid: number): SymbolsHandle;
/** Finds what the process has mapped since; false when it has ended. */
export function symbols_refresh(symbols: SymbolsHandle): boolean;
/** Per address its functions, the one inlined deepest first; none where no file is mapped. */
export function symbols_names(symbols: SymbolsHandle, addresses: BigUint64Array): string[][];
export function symbols_close(symbols: SymbolsHandle): void;

// Network interfaces and tc

/** The interfaces of this process's network namespace. */
export function if_nameindex(): { name: string; index: number; up: boolean }[];
/** The interface that a TCX or XDP link is on; 0 when it has gone. */
export function bpf_link_ifindex(link: LinkHandle): number;
/** Makes a clsact qdisc; false when there is one. Attach points: 1 ingress, 2 egress, 3 both. */
export function bpf_tc_hook_create(ifindex: number, attachPoint: number): boolean;
/** With both attach points: removes the qdisc with all filters on it. */
export function bpf_tc_hook_destroy(ifindex: number, attachPoint: number): void;
/** With `replace` the program of the filter with this handle is exchanged atomically. */
export function bpf_tc_attach(
  object: ObjectHandle,
  program: string,
  ifindex: number,
  attachPoint: number,
  handle: number,
  priority: number,
  replace: boolean,
): void;
/** False when the filter, its qdisc or the interface has gone. */
export function bpf_tc_query(ifindex: number, attachPoint: number, handle: number, priority: number): boolean;
/** Takes the filter off; false as above. */
export function bpf_tc_detach(ifindex: number, attachPoint: number, handle: number, priority: number): boolean;

// System

export const libbpf_num_possible_cpus: number;
/** Of the libbpf that the addon runs with, such as "v1.5". */
export const libbpf_version_string: string;
/** Mounts a file system under no path, for this process alone; it goes with its handle. */
export function fsmount(type: string): MountHandle;
export function fsmount_path(mount: MountHandle): string;
export function fsmount_close(mount: MountHandle): void;
/** A descriptor of a process, which the caller closes. */
export function pidfd_open(pid: number): number;
/** CLOCK_MONOTONIC, ns: the clock of `bpf_ktime_get_ns()`. */
export function clock_monotonic(): number;
