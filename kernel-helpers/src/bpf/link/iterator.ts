import { requireInteger } from "../../base/arguments.js";
import { AttachError } from "../../base/errors.js";
import { native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import type { HasMapHandle } from "./sock-map.js";
import { processId, withFile } from "./hook-options.js";

/** What an iterator walks over, where SEC("iter/…") leaves a choice. */
export interface IteratorHook {
  /** For `iter/bpf_map_elem` and `iter/bpf_sk_storage_map`: whose elements. */
  map?: HasMapHandle;
  /** For `iter/task`, `iter/task_file`, `iter/task_vma`: one process (since Linux 6.1), or one thread. */
  pid?: number;
  tid?: number;
  /** For `iter/cgroup`: this one and those below it; a path. */
  cgroup?: string;
}

export const iterator: HookKind<IteratorHook> = {
  to: "an iterator",
  takes: ["map", "pid", "tid", "cgroup"],
  attach(program, { map, pid, tid, cgroup }) {
    if (map === undefined && /^iter(\.s)?\/bpf_(map_elem|sk_storage_map)$/.test(program.section))
      throw new AttachError(
        program.name,
        program.section,
        `The iterator ${program.name} walks over the elements of a map, which must be named.`,
        { hint: "For example attach({ map: object.maps.counts })." },
      );
    const make = (fd?: number) =>
      native.bpf_program__attach_iter(program.object, program.name, {
        ...(map ? { map: native.bpf_map__fd(map.handle) } : {}),
        ...processId(pid),
        ...(tid === undefined ? {} : { tid: requireInteger("tid", tid, { from: 1 }) }),
        ...(fd === undefined ? {} : { cgroup: fd }),
      });
    const link = cgroup === undefined ? make() : withFile(cgroup, make);
    return { ...byLinks([link], program.section), read: () => native.bpf_iter_read(link) };
  },
};
