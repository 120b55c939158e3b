import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { ObjectBase } from "../bpf/object.js";
import type { BpfObject } from "../handles/object.js";
import { newerFailedIn } from "../handles/session.js";
import { checkHashmap } from "./hashmap.js";
import { checkIcmpFilter } from "./icmp-filter.js";
import { checkMinimal, type MinimalAnswers } from "./minimal.js";
import { CheckResult, type Step } from "./result.js";
import { checkRingbuf, type RingbufHandlers } from "./ringbuf.js";
import { checkStats, type StatsHandlers } from "./stats.js";

const checks = {
  hashmap: checkHashmap,
  ringbuf: checkRingbuf,
  stats: checkStats,
  tc_icmp_filter: checkIcmpFilter,
};

/** The exercises that are checked. */
export const exercises = ["minimal", ...Object.keys(checks)];

/**
 * Runs a student's own program against the running kernel, on workloads that the check makes itself, and says for each
 * step whether it is right and, if not, where to look. The program is as attached afterwards as it was before.
 *
 * @param exercise `minimal`, `hashmap`, `ringbuf`, `stats` or `tc_icmp_filter`
 * @param work the program's handle; for `minimal` the answers
 * @param handlers for `ringbuf` the functions that handle its events, for `stats` those that read its map and its records
 * @throws ArgumentError for an unknown exercise, or what is not a program; AttachError when it cannot be attached
 * @example
 * await exercise.check("hashmap", hashmap)
 */
export async function check(
  exercise: "minimal" | keyof typeof checks,
  work: BpfObject<any> | MinimalAnswers,
  handlers?: RingbufHandlers & StatsHandlers,
): Promise<CheckResult> {
  if (exercise === "minimal") return CheckResult.make(exercise, checkMinimal(work as MinimalAnswers));
  if (!(exercise in checks))
    throw new ArgumentError(`There is no exercise ${JSON.stringify(exercise)}.`, {
      hint: `There are ${listNames(exercises)}.`,
    });
  if (!(work instanceof ObjectBase))
    throw new ArgumentError(
      `check("${exercise}", …) takes the program's handle, which a cell that begins with %%bpf ${exercise} defines.`,
    );
  const run = checks[exercise] as (object: BpfObject, handlers?: RingbufHandlers & StatsHandlers) => Promise<Step[]>;
  const object = work as BpfObject;
  const failedIn = newerFailedIn(object.name);
  const note =
    failedIn === undefined
      ? undefined
      : `This is the program as it was before: its newer version, in ${failedIn}, failed.`;
  return CheckResult.make(exercise, await run(object, handlers), note);
}
