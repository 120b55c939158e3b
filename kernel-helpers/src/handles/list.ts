import { readFileSync } from "node:fs";
import { table, type ColumnTable } from "arquero";
import { isNativeError, native } from "../base/native.js";
import { bpffsMounts, pinnedBelow } from "../bpf/bpffs.js";
import { holders, type Holder } from "../bpf/holders.js";
import { closeHandle, linkTypeName, openPinned, readAll, targetOf, type Kind } from "../bpf/kernel-objects.js";

/** What the kernel holds of BPF, as tables; the ids of one are those in the others. */
export interface KernelList {
  /** `id`, `name`, `type`, `tag`, `loaded_at`, `uid`, `bytes_translated`, `bytes_jited`, `map_ids`, `pids`, `held_by`, `pinned` */
  programs: ColumnTable;
  /** `id`, `name`, `type`, `key_size`, `value_size`, `max_entries`, `flags`, `pids`, `held_by`, `pinned` */
  maps: ColumnTable;
  /** `id`, `type`, `program_id`, `target`, `pids`, `held_by`, `pinned` */
  links: ColumnTable;
}

/**
 * All programs, maps and links of the machine. `pids` and `held_by` are the processes that have a descriptor of each,
 * and the names they give themselves; `pinned` are its paths on the bpffs mounts that this process sees. What neither a
 * process nor a path holds is held by the kernel: a program by its link, a map by its program.
 *
 * @throws NotRootError
 * @example
 * bpf.list().programs.filter((p) => p.type === "xdp")
 */
export function list(): KernelList {
  const held = holders();
  const paths = pinnedPaths();
  const use = (kind: Kind, id: number) => {
    const by: Holder[] = held[kind].get(id) ?? [];
    return {
      pids: by.map(({ pid }) => pid).join(", "),
      held_by: [...new Set(by.map(({ comm }) => comm))].join(", "),
      pinned: (paths.get(`${kind} ${id}`) ?? []).join(", "),
    };
  };
  const booted = Date.now() - Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const programs = readAll("program", (handle) => {
    const { id, name, typeName, tag, loadTime, uid, bytesTranslated, bytesJited, mapIds } =
      native.bpf_prog_get_info_by_fd(handle);
    const loaded_at = new Date(booted + loadTime / 1e6);
    const bytes = { bytes_translated: bytesTranslated, bytes_jited: bytesJited };
    return {
      id,
      name,
      type: typeName,
      tag,
      loaded_at,
      uid,
      ...bytes,
      map_ids: mapIds.join(", "),
      ...use("program", id),
    };
  });
  const maps = readAll("map", (handle) => {
    const { id, name, typeName, keySize, valueSize, maxEntries, flags } = native.bpf_map_get_info_by_fd(handle);
    const sizes = { key_size: keySize, value_size: valueSize, max_entries: maxEntries };
    return { id, name, type: typeName, ...sizes, flags, ...use("map", id) };
  });
  const links = readAll("link", (handle) => {
    const info = native.bpf_link_get_info_by_fd(handle);
    const target = targetOf(info) ?? null;
    return { id: info.id, type: linkTypeName(info), program_id: info.programId, target, ...use("link", info.id) };
  });
  return {
    programs: tableOf(
      programs,
      "id name type tag loaded_at uid bytes_translated bytes_jited map_ids pids held_by pinned",
    ),
    maps: tableOf(maps, "id name type key_size value_size max_entries flags pids held_by pinned"),
    links: tableOf(links, "id type program_id target pids held_by pinned"),
  };
}

/** With its columns also where there is no row. */
function tableOf(rows: Record<string, unknown>[], columns: string): ColumnTable {
  return table(Object.fromEntries(columns.split(" ").map((name) => [name, rows.map((row) => row[name])])));
}

/** The paths at which something is pinned, by `KIND ID`. */
function pinnedPaths(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of new Set(bpffsMounts().flatMap(pinnedBelow))) {
    const key = keyOf(path);
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), path]);
  }
  return found;
}

function keyOf(path: string): string | undefined {
  let opened: ReturnType<typeof openPinned>;
  try {
    opened = openPinned(path, false);
  } catch {
    return undefined; // removed meanwhile, or a file of the kernel's own
  }
  try {
    return `${opened.kind} ${idOf(opened)}`;
  } catch (error) {
    if (isNativeError(error)) return undefined;
    throw error;
  } finally {
    closeHandle(opened);
  }
}

function idOf(opened: ReturnType<typeof openPinned>): number {
  if (opened.kind === "map") return native.bpf_map_get_info_by_fd(opened.handle).id;
  if (opened.kind === "program") return native.bpf_prog_get_info_by_fd(opened.handle).id;
  return native.bpf_link_get_info_by_fd(opened.handle).id;
}
