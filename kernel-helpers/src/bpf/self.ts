import { decode, viewOf } from "./codec.js";
import { compileShipped } from "../clang/compile.js";
import { Btf } from "./btf.js";
import { native } from "../base/native.js";

/** Process ids as the whole machine numbers them, which inside a PID namespace is not `process.pid`. */
export interface OwnIds {
  own_tgid: number;
  own_parent_tgid: number;
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

async function ask(): Promise<OwnIds> {
  const { elf } = await compileShipped("whoami");
  const object = native.bpf_object__open_mem(elf, "whoami");
  try {
    native.bpf_object__load(object);
    native.bpf_prog_test_run(object, "whoami");
    const variables = new Btf(native.bpf_object__btf(object)).section(".bss");
    const map = native.bpf_object__find_map_by_name(object, "whoami.bss");
    const read = (name: string) => {
      const { layout, offset } = variables.find((v) => v.name === name)!;
      return decode(layout, viewOf(native.map_memory_read(map, offset, layout.size))) as number;
    };
    const ids = { own_tgid: read("tgid"), own_parent_tgid: read("parent_tgid") };
    native.bpf_map__close(map);
    return ids;
  } finally {
    native.bpf_object__close(object);
  }
}
