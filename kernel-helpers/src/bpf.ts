// What a notebook calls `bpf`: the functions around loading, from the two layers that have them.
export { compile, type Compiled, type CompileOptions } from "./bpf/compile.js";
export { load, type LoadOptions } from "./bpf/load.js";
export { source } from "./bpf/source.js";
export { allRunning, closeAll } from "./bpf/session.js";
export { tracePipe, type TraceLine } from "./streams/trace-pipe.js";
