import { AttachError } from "../../base/errors.js";
import { nearestNames } from "../../base/names.js";
import { isNativeError, native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";
import { functionHook } from "./system-calls.js";
import { allTracepoints } from "./tracefs.js";

/** Programs whose target was fixed when they were loaded: fentry, fexit, fmod_ret, tp_btf, raw_tp, lsm, freplace. */
export const tracing: HookKind<Record<never, never>> = {
  to: "what its SEC() names",
  takes: [],
  attach(program) {
    try {
      const call = program.typeName === "tracing" ? functionHook(program.section) : undefined;
      if (call)
        return byLinks(
          [native.bpf_program__attach_trace(program.object, program.name)],
          `${call.kind === "enter" ? "fentry" : "fexit"} ${call.name}`,
        );
      const link = native.bpf_program__attach(program.object, program.name);
      return byLinks([link], program.section.replace("/", " "));
    } catch (error) {
      const [, raw] = /^raw_(?:tp|tracepoint)(?:\.w)?\/(.+)$/.exec(program.section) ?? [];
      if (!raw || !isNativeError(error) || error.code !== "ENOENT") throw error;
      throw new AttachError(
        program.name,
        program.section,
        `There is no tracepoint ${raw} for program ${program.name}.`,
        { errno: error.errno, hint: `The nearest names are ${nearestNames(raw, allTracepoints())}.`, cause: error },
      );
    }
  },
};
