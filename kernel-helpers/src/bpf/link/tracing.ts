import { native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import { functionHook } from "./system-calls.js";

/** Programs whose target was fixed when they were loaded: fentry, fexit, fmod_ret, tp_btf, lsm, freplace. */
export const tracing: HookKind<Record<never, never>> = {
  to: "what its SEC() names",
  takes: [],
  attach(program) {
    const call = program.typeName === "tracing" ? functionHook(program.section) : undefined;
    if (call)
      return byLinks(
        [native.bpf_program__attach_trace(program.object, program.name)],
        `${call.kind === "enter" ? "fentry" : "fexit"} ${call.name}`,
      );
    const link = native.bpf_program__attach(program.object, program.name);
    return byLinks([link], program.section.replace("/", " "));
  },
};
