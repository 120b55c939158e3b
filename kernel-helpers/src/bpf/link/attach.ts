import { AttachError, MissingFeatureError } from "../../base/errors.js";
import { listNames, nearest } from "../../base/names.js";
import { attachToInterface, type NetworkAttachment, type NetworkHook } from "./network.js";
import {
  isNativeError,
  native,
  type LinkHandle,
  type ObjectHandle,
  type ProgramDescription,
} from "../../base/native.js";
import { tracepointId, tracepoints } from "./tracefs.js";

// Sections that libbpf attaches by itself, from the section's name alone.
const tracepoint = /^(?:tp|tracepoint)\/([^/]+)\/(.+)$/;

/** What keeps a program on its hook; a link alone can be destroyed together with others, which takes no longer than one. */
export type Attachment = { detach(): void; link?: LinkHandle } & Partial<NetworkAttachment>;

/** True for programs that see the packets of an interface, which their SEC() does not name. */
export function isNetworkProgram(program: ProgramDescription): boolean {
  return program.typeName === "sched_cls";
}

/**
 * Attaches a loaded program to the hook that its SEC() names; a network program to an interface.
 *
 * @throws ArgumentError when a network program is given no interface; AttachError when the kernel refuses or the hook does not exist; MissingFeatureError when the kernel lacks the kind of hook
 */
export async function attachProgram(
  object: ObjectHandle,
  program: ProgramDescription,
  on?: NetworkHook,
): Promise<Attachment> {
  if (isNetworkProgram(program)) return attachToInterface(object, program.name, on);
  const hook = program.section;
  const traced = tracepoint.exec(hook);
  let id: number | undefined;
  if (traced) {
    const [, category, name] = traced as unknown as [string, string, string];
    id = await tracepointId(category, name);
    if (id === undefined)
      throw new AttachError(
        program.name,
        hook,
        `There is no tracepoint ${category}/${name} for program ${program.name}.`,
        { hint: await similar(category, name) },
      );
  }
  try {
    const link =
      id === undefined
        ? native.bpf_program__attach(object, program.name)
        : native.bpf_program__attach_tracepoint_id(object, program.name, id);
    return { link, detach: () => native.bpf_link__destroy(link) };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw refusal(program, error.errno, error.code, error.message, error);
  }
}

function refusal(program: ProgramDescription, errno: number, code: string, message: string, cause: unknown): Error {
  const hook = program.section;
  if (code === "ENOENT" && /^(k|kret)probe/.test(hook)) {
    return new MissingFeatureError(
      "kprobes",
      `Program ${program.name} cannot attach to ${hook}: the kernel has no such function, or no kprobes.`,
      {
        hint: "Check the name in /proc/kallsyms; a kernel without CONFIG_KPROBES offers tracepoints (tp/, raw_tp/, tp_btf/) only.",
        cause,
      },
    );
  }
  if (code === "EOPNOTSUPP" || code === "ENOTSUPP") {
    return new AttachError(program.name, hook, `Program ${program.name} has no hook that its section ${hook} names.`, {
      errno,
      hint: 'Name the hook in SEC(), for example SEC("tp/syscalls/sys_enter_write").',
      cause,
    });
  }
  return new AttachError(
    program.name,
    hook,
    `The kernel refuses to attach program ${program.name} to ${hook}: ${message}.`,
    { errno, cause },
  );
}

/** A hint that names the tracepoints a user may have meant. */
async function similar(category: string, name: string): Promise<string> {
  const names = await tracepoints(category);
  if (names.length === 0)
    return `This kernel has no tracepoint category ${category}; look under events/ in tracefs for those it has.`;
  return `The nearest names in ${category} are ${listNames(nearest(name, names))}.`;
}
