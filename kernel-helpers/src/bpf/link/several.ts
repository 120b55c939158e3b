import { ArgumentError, AttachError, BpflabError, ClosedError } from "../../base/errors.js";
import { listNames, unknownName } from "../../base/names.js";
import type { AttachOptions, Hook } from "./hooks.js";

// Several programs of one object: who gets which options, and what is said when some cannot be attached.

/** What is asked of a program to hand out options. */
interface Candidate {
  readonly name: string;
  readonly section: string;
  readonly takes: readonly string[];
  readonly isLoaded: boolean;
  readonly hasHook: boolean;
  /** How it is run otherwise than by a hook, in a sentence. */
  readonly byHand: string | undefined;
}

/**
 * The programs that are to be attached, each with its options: of those for all the ones that it takes, and its own.
 *
 * @param hasOperations that there is something else to attach, so that none of them need be
 * @throws ArgumentError for a program that is not there, for an option that none of them takes, when none has a hook
 */
export function optionsOf<P extends Candidate>(
  object: string,
  programs: readonly P[],
  { programs: single = {}, ...forAll }: AttachOptions,
  hasOperations = false,
): Map<P, Hook | undefined> {
  for (const name of Object.keys(single))
    if (!programs.some((program) => program.name === name))
      throw unknownName(
        "program",
        object,
        name,
        programs.map((program) => program.name),
      );
  const chosen = programs.filter(
    (program) => (program.isLoaded && program.hasHook && single[program.name] !== false) || single[program.name],
  );
  const stray = Object.keys(forAll).find((name) => !chosen.some((program) => program.takes.includes(name)));
  if (stray !== undefined) throw strayOption(object, stray, chosen);
  if (chosen.length === 0 && !hasOperations && programs.length > 0 && Object.keys(single).length === 0)
    throw new ArgumentError(`${object} has no program to attach.`, { hint: programs.map(withoutHook).join("\n") });
  return new Map(
    chosen.map((program) => {
      const own = single[program.name];
      const taken = Object.entries(forAll).filter(([name]) => program.takes.includes(name));
      const all = { ...Object.fromEntries(taken), ...(typeof own === "object" ? own : {}) };
      return [program, Object.keys(all).length > 0 ? all : undefined];
    }),
  );
}

function withoutHook({ name, section, isLoaded, byHand }: Candidate): string {
  return isLoaded
    ? `${name} (${section}) has no hook to attach to. ${byHand ?? ""}`.trimEnd()
    : `${name} (${section}) was left out when it was loaded: programs: { ${name}: true } loads it.`;
}

function strayOption(object: string, option: string, programs: readonly Candidate[]): ArgumentError {
  const what = option === "interface" ? "program for a network interface" : `program that takes the option ${option}`;
  return new ArgumentError(`${object} has no ${what}.`, {
    hint: programs
      .map(
        ({ name, section, takes }) => `${name} (${section}) takes ${takes.length ? listNames(takes) : "no options"}.`,
      )
      .join("\n"),
  });
}

/** Throws what went wrong: one error as it is, several as one that names each, with how to do without them. */
export function throwIfAny(
  object: string,
  failed: readonly { program: Candidate; error: Error }[],
  hasOthers: boolean,
): void {
  const first = failed[0];
  if (!first) return;
  if (first.error instanceof ClosedError) throw first.error;
  if (failed.length === 1) {
    if (hasOthers && first.error instanceof BpflabError)
      first.error.advise(`attach({ programs: { ${first.program.name}: false } }) attaches the others.`);
    throw first.error;
  }
  const leaveOut = `programs: { ${failed.map(({ program }) => `${program.name}: false`).join(", ")} }`;
  throw new AttachError(
    listNames(failed.map(({ program }) => program.name)),
    listNames(failed.map(({ program }) => program.section)),
    [
      `${failed.length} programs of ${object} cannot be attached:`,
      ...failed.map(({ error }) => `- ${error.message.replaceAll("\n", "\n  ")}`),
    ].join("\n"),
    {
      ...(hasOthers ? { hint: `attach({ ${leaveOut} }) attaches the others.` } : {}),
      cause: new AggregateError(failed.map(({ error }) => error)),
    },
  );
}
