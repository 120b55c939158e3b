import { ArgumentError } from "../base/errors.js";
import { unknownName } from "../base/names.js";
import { isNativeError, native, type ObjectHandle } from "../base/native.js";

/** A function of a loaded BPF program, for fentry, fexit and freplace. */
export interface ProgramTarget {
  /** The handle of a program: one of `object.programs`, or `bpf.program(id)`. */
  program: { readonly name: string; readonly id: number; readonly fd: number };
  /** A function of it that is not inlined; by default the program itself. */
  function?: string;
}

/** What a program is about: a function, tracepoint or iterator of the kernel by its name, or a function of another program. */
export type Target = string | ProgramTarget;

/** By name of the program. */
export type Targets<Program extends string = string> = { readonly [P in Program]?: Target };

/** Says of programs of an opened object what they are about, in place of their SEC(). @throws ArgumentError */
export function setTargets(object: ObjectHandle, owner: string, targets: Targets): void {
  const names = native.bpf_object__programs(object).map(({ name }) => name);
  for (const [name, target] of Object.entries(targets)) {
    if (!names.includes(name)) throw unknownName("program", owner, name, names);
    const { fd, of } = read(name, target);
    try {
      native.bpf_program__set_attach_target(object, name, fd, of);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new ArgumentError(
        fd === 0
          ? `targets.${name}: this kernel's BTF has no ${of} that the program could be about.`
          : `targets.${name}: the program has no function ${of} of its own.`,
        {
          hint:
            fd === 0
              ? "It is named as behind the slash of SEC(): do_unlinkat, sched_switch, file_open."
              : "A function that is static and not __noinline may have been put into its callers.",
          cause: error,
        },
      );
    }
  }
}

/** The same where a handle can be compared with that of another load: a program by its id. */
export function targetsText(targets: Targets = {}): [string, unknown][] {
  return Object.entries(targets).map(([name, target]) => [
    name,
    typeof target === "object" ? [target.program.id, target.function] : target,
  ]);
}

function read(name: string, target: Target | undefined): { fd: number; of: string } {
  if (typeof target === "string" && target !== "") return { fd: 0, of: target };
  if (typeof target === "object" && typeof target.program?.fd === "number")
    return { fd: target.program.fd, of: target.function ?? target.program.name };
  throw new ArgumentError(`targets.${name}: expected a name, or { program } with the handle of a program.`, {
    hint: `For example targets: { ${name}: "do_unlinkat" }, or { ${name}: { program: filter.programs.on_packet } }.`,
  });
}
