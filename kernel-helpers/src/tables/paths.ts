import { existsSync, readlinkSync } from "node:fs";
import type { ColumnTable } from "arquero";
import { withColumns } from "../streams/capture.js";
import { DictionaryColumn } from "../streams/event-columns.js";
import type { ColumnName, EventTable } from "../streams/table.js";
import { numbersOf, storedRows } from "./columns.js";

/** Which columns name a descriptor. */
export interface PathOptions<Name extends string = string> {
  /** Column of process ids; default `pid`. */
  pid?: Name;
  /** Column of descriptors; default `fd`. */
  fd?: Name;
}

/**
 * The table with a column `path`: what each descriptor points to now, as /proc knows it (proc(5)): a file's
 * path, or such as `socket:[1234]`, `pipe:[1234]`, `/tmp/x (deleted)`. Each descriptor is looked up once.
 *
 * The kernel tells this only while the process lives and the descriptor is open: else the column says
 * `(process ended)` or `(closed)`. A number that was closed and opened again shows what it is now. Inside a
 * PID namespace /proc numbers processes otherwise than BPF does, so every path is `(unknown in this PID namespace)`.
 *
 * Paths are any bytes a process chose; tables and charts escape them where they show them.
 *
 * @throws ArgumentError if a column is missing or holds no numbers
 * @example
 * withPaths(stats.maps.stats_map.table()).orderby(aq.desc("written_bytes"))
 */
export function withPaths<Table extends ColumnTable>(
  table: Table,
  options: PathOptions<ColumnName<Table>> = {},
): Table extends EventTable<infer Row> ? EventTable<Row & { path: string }> : ColumnTable {
  const base = storedRows(table);
  const pids = numbersOf(base, options.pid ?? "pid", "pid of withPaths");
  const fds = numbersOf(base, options.fd ?? "fd", "fd of withPaths");
  const pathOf = inOuterPidNamespace() ? readPath : () => "(unknown in this PID namespace)";
  const known = new Map<string, number>();
  const codes = new Map<string, number>();
  const column = new Uint32Array(pids.length);
  for (let row = 0; row < column.length; row++) {
    const descriptor = `${pids[row]}/${fds[row]}`;
    let code = known.get(descriptor);
    if (code === undefined) {
      const path = pathOf(pids[row]!, fds[row]!);
      code = codes.get(path) ?? codes.size;
      codes.set(path, code);
      known.set(descriptor, code);
    }
    column[row] = code;
  }
  return withColumns(base, { ...base.data(), path: new DictionaryColumn(column, [...codes.keys()]) }) as never;
}

function readPath(pid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ESRCH") return `(unknown: ${code})`;
    return existsSync(`/proc/${pid}/fd/`) ? "(closed)" : "(process ended)";
  }
}

/** The first PID namespace has a number of its own (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
function inOuterPidNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/pid") === `pid:[${0xeffffffc}]`;
  } catch {
    return false;
  }
}
