import { requireBoolean } from "../base/arguments.js";
import { ArgumentError } from "../base/errors.js";
import { listNames, unknownName } from "../base/names.js";
import { native, type ObjectHandle } from "../base/native.js";

/** Which programs of an object are loaded: `false` leaves one out, `true` takes one in that SEC("?…") leaves out. */
export type ProgramChoice<Program extends string = string> = { readonly [P in Program]?: boolean };

/** Applies the choice to an opened object. @throws ArgumentError for a program that is not there */
export function choosePrograms(object: ObjectHandle, owner: string, choice: ProgramChoice): void {
  const names = native.bpf_object__programs(object).map((program) => program.name);
  for (const [name, isWanted] of Object.entries(choice)) {
    if (!names.includes(name)) throw unknownName("program", owner, name, names);
    native.bpf_program__set_autoload(object, name, requireBoolean(`programs.${name}`, isWanted));
  }
}

/**
 * Of each group of programs that are alternatives to each other, the first that this kernel loads.
 *
 * @param open opens the object again, for a try
 * @returns the choice: one of each group, the others left out
 * @throws ArgumentError for a program that is not there; what the last try threw when none of a group loads
 */
export function chooseAlternatives(
  open: () => ObjectHandle,
  owner: string,
  groups: readonly (readonly string[])[],
  load: (object: ObjectHandle) => void,
): ProgramChoice {
  const choice: Record<string, boolean> = {};
  for (const group of groups) {
    if (!Array.isArray(group) || group.length === 0)
      throw new ArgumentError('alternatives: expected groups of names, as in [["by_fentry", "by_kprobe"]].');
    for (const name of group) choice[name] = false;
  }
  for (const group of groups) choice[firstThatLoads(open, owner, group, load)] = true;
  return choice;
}

function firstThatLoads(
  open: () => ObjectHandle,
  owner: string,
  group: readonly string[],
  load: (object: ObjectHandle) => void,
): string {
  const reasons: Error[] = [];
  for (const candidate of group) {
    const object = open();
    try {
      const names = native.bpf_object__programs(object).map(({ name }) => name);
      if (!names.includes(candidate)) throw unknownName("program", owner, candidate, names);
      for (const name of names) native.bpf_program__set_autoload(object, name, name === candidate);
      load(object);
      return candidate;
    } catch (error) {
      if (error instanceof ArgumentError) throw error;
      reasons.push(error as Error);
    } finally {
      native.bpf_object__close(object);
    }
  }
  throw new ArgumentError(
    [
      `None of the alternatives ${listNames(group)} of ${owner} loads on this kernel:`,
      ...reasons.map((error, i) => `- ${group[i]}: ${error.message.replaceAll("\n", "\n  ")}`),
    ].join("\n"),
    { cause: new AggregateError(reasons) },
  );
}
