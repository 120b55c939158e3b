/** A rejected program as the rules of `meaning.ts` look at it. */
import { lastCall, type VerifierLog } from "./log.js";
import type { CText, Spot } from "./c-text.js";

/** A rejected program, and where in it the verifier stopped. */
export interface Rejection {
  log: VerifierLog;
  c: CText;
  /** In the C; undefined when nothing says. */
  line: number | undefined;
  column: number | undefined;
}

export interface Meaning {
  message: string;
  advice: string;
  /** Where the caret belongs, if not where the verifier stopped. */
  at?: Spot | undefined;
  /** A second place that matters, and why. */
  also?: { spot: Spot; why: string } | undefined;
}

/** Reads a reason of the verifier's that has the shape the rule is for. */
export type Rule = (rejection: Rejection, found: RegExpExecArray) => Meaning | undefined;

/** The helper that the last instruction calls. */
export function helperOf({ log }: Rejection): string | undefined {
  const name = /call (bpf_\w+)/.exec(log.steps.at(-1)?.code ?? "")?.[1];
  return name && /^bpf_trace_v?printk$/.test(name) ? "bpf_printk" : name; // the macro that programs write
}

/** Which argument of the helper a register is: R1 is the first. */
export function argumentOf(rejection: Rejection, register: number) {
  const helper = helperOf(rejection);
  return helper && rejection.line !== undefined ? rejection.c.argument(rejection.line, helper, register) : undefined;
}

export const pointerOf = ({ c, line, column }: Rejection) => (line === undefined ? undefined : c.pointer(line, column));

/** The last call of a helper whose name fits: where it stands in the C, and the variable that its result goes into. */
export function callOf({ log, c }: Rejection, helper: RegExp) {
  const step = lastCall(log, helper);
  const name = /call (bpf_\w+)/.exec(step?.code ?? "")?.[1];
  if (!step || !name || step.line === undefined) return undefined;
  const spot = c.word(step.line, name);
  return spot && { spot, name, line: step.line, variable: c.assigned(step.line, name) };
}

export const bytes = (count: number) => `${count} byte${count === 1 ? "" : "s"}`;

/** `if (!e) return 0;` */
export const nullCheck = (variable: string) => `if (!${variable}) return 0;`;

export const nearHelper = (rejection: Rejection) => {
  const helper = helperOf(rejection);
  return helper && rejection.line !== undefined ? rejection.c.word(rejection.line, helper) : undefined;
};
