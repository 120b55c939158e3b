// `node --require sanitized.cjs`: the addon that BPFLAB_SANITIZED names takes the place of the built one. Its runtime has to
// be preloaded; what this process starts is left without it.
"use strict";

if (process.env.BPFLAB_SANITIZED) {
  const sanitized = process.env.BPFLAB_SANITIZED;
  const { dlopen } = process;
  process.dlopen = (module, file, ...flags) =>
    dlopen.call(process, module, file.endsWith("/bpflab.node") ? sanitized : file, ...flags);
}
delete process.env.LD_PRELOAD;
