// What a notebook calls `bpf`: the functions around loading, from the two layers that have them.
export { compile, type Compiled, type CompileOptions } from "../clang/compile.js";
export { open, type LinkOptions, type OpenOptions } from "../clang/object-file.js";
export { link } from "../handles/link-or-open.js";
export { load, type LoadOptions } from "../handles/load.js";
export {
  map,
  pinned,
  program,
  ForeignLink,
  ForeignMap,
  ForeignProgram,
  type OpenForeignOptions,
} from "../handles/foreign.js";
export { list, type KernelList } from "../handles/list.js";
export { source } from "../clang/source.js";
export { allRunning, closeAll } from "../handles/session.js";
export { tracePipe, type TraceLine } from "../streams/trace-pipe.js";
