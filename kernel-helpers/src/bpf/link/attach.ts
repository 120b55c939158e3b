import { ArgumentError, AttachError } from "../../base/errors.js";
import { listNames } from "../../base/names.js";
import { isNativeError } from "../../base/native.js";
import type { Attachable, Attachment } from "./attachment.js";
import { kindOf, type Hook } from "./hooks.js";
import { reasonOf } from "./reason.js";
import { requireBpfSecurityModule } from "./security-modules.js";

/**
 * Attaches a loaded program to the hook that its SEC() and the options name.
 *
 * @throws ArgumentError for options that its kind of hook does not take or needs and has not got; AttachError when the
 *   kernel refuses or the hook does not exist; MissingFeatureError when the kernel lacks the kind of hook
 */
export async function attachProgram(program: Attachable, options: Hook = {}): Promise<Attachment> {
  const kind = kindOf(program);
  if (kind.byHand)
    throw new ArgumentError(`The program ${program.name} (${program.section}) has no hook to attach to.`, {
      hint: kind.byHand,
    });
  const unknown = Object.keys(options).find((name) => !kind.takes.includes(name));
  if (unknown !== undefined)
    throw new ArgumentError(
      `The program ${program.name} (${program.section}) attaches to ${kind.to} and takes no option ${unknown}.`,
      { hint: kind.takes.length === 0 ? "It takes none." : `It takes ${listNames(kind.takes)}.` },
    );
  if (program.typeName === "lsm") requireBpfSecurityModule(program);
  try {
    const attachment = await kind.attach(program, options);
    return { hook: options, ...attachment };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw new AttachError(
      program.name,
      program.section,
      `The kernel refuses to attach program ${program.name} (${program.section}) to ${kind.to}: ${reasonOf(error, program)}.`,
      { errno: error.errno, cause: error },
    );
  }
}
