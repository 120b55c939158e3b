import { decode, viewOf } from "./codec.js";
import { compileShipped } from "../clang/compile.js";
import { Btf } from "./btf.js";
import { lacking } from "../base/capabilities.js";
import { NotRootError } from "../base/errors.js";
import { isNativeError, native, type ObjectHandle } from "../base/native.js";
import { loadError } from "./load-error.js";

/** What programs are told at load: process ids as the whole machine numbers them, which inside a PID namespace is not `process.pid`. */
export interface OwnIds {
  own_tgid: number;
  own_parent_tgid: number;
  /** Where the kernel's struct task_struct has its `comm`. */
  task_comm_offset: number;
}

let own: Promise<OwnIds> | undefined;

/**
 * This process and its parent (under Jupyter, the kernel and the server that turns its output
 * into more writes), as BPF programs see them. A BPF program run in our own context tells:
 * user space inside a PID namespace has no other way to learn it.
 */
export function ownIds(): Promise<OwnIds> {
  own ??= ask();
  own.catch(() => (own = undefined));
  return own;
}

/** It is a program that traces: the kernel lets it in for CAP_PERFMON alone. */
function load(object: ObjectHandle): void {
  try {
    native.bpf_object__load(object);
  } catch (error) {
    const missing = lacking("CAP_BPF", "CAP_PERFMON");
    if (!isNativeError(error)) throw error;
    if (error.code === "EPERM" && missing.length > 0) throw new NotRootError("Loading a program that traces", missing);
    throw loadError("The kernel does not load whoami", error, object);
  }
}

async function ask(): Promise<OwnIds> {
  const { elf } = await compileShipped("whoami");
  const object = native.bpf_object__open_mem(elf, "whoami");
  try {
    load(object);
    native.bpf_prog_test_run(object, "whoami");
    const variables = new Btf(native.bpf_object__btf(object)).section(".bss");
    const map = native.bpf_object__find_map_by_name(object, "whoami.bss");
    const read = (name: string) => {
      const { layout, offset } = variables.find((v) => v.name === name)!;
      return decode(layout, viewOf(native.map_memory_read(map, offset, layout.size))) as number;
    };
    const ids = { own_tgid: read("tgid"), own_parent_tgid: read("parent_tgid"), task_comm_offset: read("comm_offset") };
    native.bpf_map__close(map);
    return ids;
  } finally {
    native.bpf_object__close(object);
  }
}
