/** Programs, maps and links of the kernel, whoever has loaded them: by id, and by where they are pinned. */
import { requireInteger } from "../base/arguments.js";
import { ArgumentError, NotRootError } from "../base/errors.js";
import {
  isNativeError,
  native,
  type KernelLink,
  type KernelMap,
  type LinkHandle,
  type MapHandle,
  type PinnedHandle,
  type ProgramHandle,
} from "../base/native.js";
import { requirePinned } from "./bpffs.js";
import { Btf } from "./btf.js";
import { layoutsOf, type Declared } from "./map-layouts.js";

/** BPF_F_RDONLY of linux/bpf.h: a descriptor through which nothing can be changed. */
const READ_ONLY = 8;

/** What the three kinds have in common for whoever opens them by id. */
const kinds = {
  map: {
    next: (id: number) => native.bpf_map_get_next_id(id),
    open: (id: number, writable: boolean) => native.bpf_map_get_fd_by_id(id, writable ? 0 : READ_ONLY),
  },
  program: {
    next: (id: number) => native.bpf_prog_get_next_id(id),
    open: (id: number) => native.bpf_prog_get_fd_by_id(id),
  },
  link: {
    next: (id: number) => native.bpf_link_get_next_id(id),
    open: (id: number) => native.bpf_link_get_fd_by_id(id),
  },
};

export type Kind = keyof typeof kinds;
/** What a handle of each kind is. */
export interface HandleOf {
  map: MapHandle;
  program: ProgramHandle;
  link: LinkHandle;
}

/** A descriptor of what has this id. @throws ArgumentError when there is none, NotRootError */
export function openById<K extends Kind>(kind: K, id: number, writable = false): HandleOf[K] {
  requireInteger("id", id, { from: 1, to: 2 ** 32 - 1 });
  try {
    return kinds[kind].open(id, writable) as HandleOf[K];
  } catch (error) {
    if (!isNativeError(error)) throw error;
    refuseWithoutRights(error.code, `Opening a ${kind} by its id`);
    if (error.code === "ENOENT")
      throw new ArgumentError(`There is no ${kind} with the id ${id}.`, {
        hint: `bpf.list().${kind}s lists those that exist.`,
        cause: error,
      });
    const why = error.code === "EPERM" ? "permission denied" : error.message;
    throw new ArgumentError(`The ${kind} ${id} cannot be opened${writable ? " for writing" : ""}: ${why}.`, {
      cause: error,
    });
  }
}

/** A descriptor of what is pinned at a path. @throws ArgumentError when nothing is, NotRootError */
export function openPinned(path: string, writable: boolean): PinnedHandle {
  requirePinned(path);
  try {
    return writable ? native.bpf_obj_get(path, 0) : openPinnedReadOnly(path);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    refuseWithoutRights(error.code, `Opening ${path}`);
    throw new ArgumentError(`${path} cannot be opened${writable ? " for writing" : ""}: ${error.message}.`, {
      cause: error,
    });
  }
}

/** The kernel refuses the flag for what is not a map. */
function openPinnedReadOnly(path: string): PinnedHandle {
  try {
    return native.bpf_obj_get(path, READ_ONLY);
  } catch (error) {
    if (!isNativeError(error) || error.code !== "EINVAL") throw error;
    return native.bpf_obj_get(path, 0);
  }
}

function refuseWithoutRights(code: string, what: string): void {
  if ((code === "EPERM" || code === "EACCES") && process.geteuid?.() !== 0) throw new NotRootError(what);
}

/**
 * Opens all of a kind, one after the other, and closes each again.
 *
 * @returns what `read` says of each; one that goes meanwhile, or is just being made, is left out
 */
export function readAll<K extends Kind, Row>(kind: K, read: (handle: HandleOf[K]) => Row): Row[] {
  const rows: Row[] = [];
  for (let id = nextId(kind, 0); id !== undefined; id = nextId(kind, id)) {
    let handle: HandleOf[K];
    try {
      handle = kinds[kind].open(id, false) as HandleOf[K];
    } catch (error) {
      if (isNativeError(error) && (error.code === "ENOENT" || error.code === "EAGAIN")) continue;
      throw error;
    }
    try {
      rows.push(read(handle));
    } finally {
      closeHandle({ kind, handle } as unknown as PinnedHandle);
    }
  }
  return rows;
}

function nextId(kind: Kind, id: number): number | undefined {
  try {
    return kinds[kind].next(id);
  } catch (error) {
    if (isNativeError(error)) refuseWithoutRights(error.code, `Listing the machine's ${kind}s`);
    throw error;
  }
}

/** Closes a handle of any kind. */
export function closeHandle({ kind, handle }: PinnedHandle): void {
  if (kind === "map") native.bpf_map__close(handle);
  else if (kind === "program") native.program_close(handle);
  else native.bpf_link__destroy(handle);
}

/** How the keys and values of a map lie in memory, by the types that the kernel has kept of it. */
export function layoutsInKernel(map: KernelMap): Declared {
  if (map.btfId === 0) return layoutsOf(map, { key: undefined, value: undefined });
  const btf = new Btf(native.btf__load_from_kernel_by_id(map.btfId));
  const typed = (id: number, size: number) => {
    const layout = id === 0 ? undefined : btf.layout(id);
    return layout?.size === size ? layout : undefined;
  };
  return layoutsOf(map, { key: typed(map.keyTypeId, map.keySize), value: typed(map.valueTypeId, map.valueSize) });
}

/** enum bpf_link_type; libbpf's names end where Debian 12's kernel did. */
const linkTypes = [
  "unspec",
  "raw_tracepoint",
  "tracing",
  "cgroup",
  "iter",
  "netns",
  "xdp",
  "perf_event",
  "kprobe_multi",
  "struct_ops",
  "netfilter",
  "tcx",
  "uprobe_multi",
  "netkit",
  "sockmap",
];

export function linkTypeName({ type }: KernelLink): string {
  return linkTypes[type] ?? `type ${type}`;
}

/** What a link is attached to, as far as the kernel tells; an interface by its index, for its name belongs to a namespace. */
export function targetOf({ target, ifindex, cgroupId }: KernelLink): string | undefined {
  if (target !== undefined) return target;
  if (ifindex !== undefined) return ifindex === 0 ? "an interface that no longer exists" : `interface index ${ifindex}`;
  return cgroupId === undefined ? undefined : `cgroup ${cgroupId}`;
}
