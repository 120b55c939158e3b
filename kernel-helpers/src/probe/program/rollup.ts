import type { CallExpression, Node } from "acorn";
import { op as arqueroOp } from "arquero";
import { ArgumentError } from "../../base/errors.js";
import { insteadOfSum } from "../bpftrace-names.js";
import type { Compiler } from "../expression/compiler.js";
import type { Parsed } from "../expression/parse.js";
import type { Num } from "../expression/arithmetic.js";
import type { Value } from "../expression/value.js";
import { isWide, nameOfType, type Type } from "../value-types.js";
import { stored } from "./struct-members.js";

export type AggregateName = "count" | "sum" | "mean" | "min" | "max" | "first" | "last" | "log2" | "linear" | "valid";
const names: readonly string[] = [
  "count",
  "sum",
  "mean",
  "min",
  "max",
  "first",
  "last",
  "log2",
  "linear",
  "valid",
] satisfies AggregateName[];

/** Bounds of a linear histogram: counts below `low`, for each `step`, and from `high` on. */
export interface Bounds {
  low: number;
  high: number;
  step: number;
}

/** One column of a rollup. */
export interface Aggregate {
  name: string;
  /** Its member in C. */
  member: string;
  how: AggregateName;
  /** What is added up; undefined for count(). */
  value?: Value;
  bounds?: Bounds;
  origin: Parsed;
}

/** Most slots of a linear histogram. */
const MOST_SLOTS = 1024;

/** True for a call of what adds up: op.count(), op.sum(d.ret). */
export function isAggregate(node: Node): node is CallExpression {
  return node.type === "CallExpression" && names.includes(functionName(node as CallExpression) ?? "");
}

/** Refuses a column in which nothing is added up. */
export function refuseOther(compiler: Compiler): never {
  const { body } = compiler.parsed;
  const how = body.type === "CallExpression" ? functionName(body) : undefined;
  return compiler.refuse(
    body,
    how
      ? `a rollup has no op.${how}() in the kernel`
      : "a rollup adds up: each column is made of calls of op.count(), op.sum(), and so on",
    [insteadOf(how), `There are ${names.map((one) => `op.${one}()`).join(", ")}.`].filter(Boolean).join(" "),
  );
}

function insteadOf(how: string | undefined): string | undefined {
  if (how === undefined) return undefined;
  if (insteadOfSum[how]) return insteadOfSum[how];
  return Object.hasOwn(arqueroOp, how)
    ? "It takes all the values: collect the events, and roll up the table."
    : undefined;
}

/** Understands one call of what adds up. */
export function aggregate(compiler: Compiler, call: CallExpression, name: string, member: string): Aggregate {
  const how = functionName(call)!;
  const origin = compiler.parsed;
  if (how === "count") return { name, member, how, origin };
  const [argument, ...rest] = call.arguments;
  if (!argument || argument.type === "SpreadElement")
    return compiler.refuse(
      call,
      `op.${how}() needs something to add up`,
      `Write op.${how}("ret") or d => op.${how}(d.ret).`,
    );
  const value = compiler.value(argument);
  if (value.special?.infinite)
    return compiler.refuse(
      argument,
      "the divisor may be 0 here",
      "Say what to do then: b === 0 ? null : Math.floor(a / b).",
    );
  if (how === "first" || how === "last") {
    if (!stored(member, value.type, false))
      return compiler.refuse(argument, `${nameOfType(value.type)} cannot be kept`, "Take a member of it.");
    return { name, member, how, value, origin };
  }
  if (how === "valid") return { name, member, how, value, origin };
  const number = { ...compiler.number(value, argument), ...(value.special ? { special: value.special } : {}) };
  if (how !== "linear") return { name, member, how: how as AggregateName, value: number, origin };
  return {
    name,
    member,
    how,
    value: number,
    origin,
    bounds: boundsOf(
      compiler,
      call,
      rest.map((one) => compiler.value(one as never).constant),
    ),
  };
}

function boundsOf(compiler: Compiler, call: CallExpression, [low, high, step]: (bigint | undefined)[]): Bounds {
  const example = "Write op.linear(d.ret, 0, 1000, 100): from 0 to 1000 in steps of 100.";
  if (low === undefined || high === undefined || step === undefined)
    return compiler.refuse(
      call,
      "a linear histogram needs its lowest and highest value and its step, as numbers",
      example,
    );
  if (step <= 0n || high <= low)
    return compiler.refuse(call, "the highest value has to be above the lowest, and the step above 0", example);
  if ((high - low + step - 1n) / step > BigInt(MOST_SLOTS))
    return compiler.refuse(call, `that is more than ${MOST_SLOTS} steps`, "Make the step wider, or the range smaller.");
  return { low: Number(low), high: Number(high), step: Number(step) };
}

function functionName({ callee }: CallExpression): string | undefined {
  if (callee.type === "Identifier") return callee.name;
  return callee.type === "MemberExpression" && callee.property.type === "Identifier" ? callee.property.name : undefined;
}

/** Slots of a linear histogram, with those below and above. */
export function slotsOf({ low, high, step }: Bounds): number {
  return Math.ceil((high - low) / step) + 2;
}

/** What an aggregate keeps in a group's totals. */
export function membersOf({ member, how, value, bounds }: Aggregate): string[] {
  const wide = (type: Type) => (type.kind === "int" && (isWide(type) || type.low >= 0n) ? "__u64" : "__s64");
  const valid = value?.special ? [`__u64 ${member}_valid`] : [];
  switch (how) {
    case "count":
      return [];
    case "valid":
      return [`__u64 ${member}`];
    case "sum":
    case "mean":
      return [`${wide(value!.type)} ${member}`, ...valid];
    case "min":
    case "max":
      return [`${isWide((value as Num).type) ? "__u64" : "__s64"} ${member} COMBINE(${how})`, ...valid];
    case "first":
    case "last":
      return [
        ...stored(member, value!.type, value!.special !== undefined)!.members.map((one) => one.declaration),
        `__u64 ${member}_ns`,
      ];
    case "log2":
      return [`__u64 ${member}[64]`];
    case "linear":
      return [`__u64 ${member}[${slotsOf(bounds!)}]`];
  }
}

/** C statements that add one event to a group's totals; `totals->rows` counts those before. */
export function updateOf({ member, how, value, bounds }: Aggregate): string[] {
  const at = `totals->${member}`;
  const code = value?.code;
  const guarded = (...lines: string[]): string[] => {
    if (!value?.special) return lines;
    return [`if (!${value.special.code}) {`, ...lines.map((line) => `\t${line}`), "}"];
  };
  const count = value?.special ? [`${at}_valid++;`] : [];
  switch (how) {
    case "count":
      return [];
    case "valid":
      return guarded(`${at}++;`);
    case "sum":
    case "mean":
      return guarded(`${at} += ${code};`, ...count);
    case "min":
    case "max": {
      const sign = how === "min" ? "<" : ">";
      if (!value!.special) return [`if (!totals->rows || ${code} ${sign} ${at})`, `\t${at} = ${code};`];
      // A share in which all were null must not hide those of the other CPUs.
      const worst = extremeOf(how, (value as Num).type);
      return [
        `if (!totals->rows)`,
        `\t${at} = ${worst};`,
        ...guarded(`if (${code} ${sign} ${at})`, `\t${at} = ${code};`, ...count),
      ];
    }
    case "first":
    case "last": {
      const { store } = stored(member, value!.type, value!.special !== undefined)!;
      const lines = [
        ...(value!.type.kind === "text" ? [`__builtin_memset(${at}, 0, sizeof(${at}));`] : []),
        ...store("totals", value!),
        `${at}_ns = bpf_ktime_get_ns();`,
      ];
      return how === "last" ? lines : ["if (!totals->rows) {", ...lines.map((line) => `\t${line}`), "}"];
    }
    case "log2":
      return guarded(`${at}[log2_slot(${code})]++;`);
    case "linear": {
      const { low, step } = bounds!;
      return guarded(`${at}[linear_slot(${code}, ${low}, ${step}, ${slotsOf(bounds!)})]++;`);
    }
  }
}

function extremeOf(how: "min" | "max", type: Type & { kind: "int" }): string {
  if (isWide(type)) return how === "min" ? "~0ULL" : "0";
  return how === "min" ? "9223372036854775807LL" : "(-9223372036854775807LL - 1)";
}

/** Checks the names of what a rollup computes. */
export function requireColumns(verb: string, values: readonly unknown[]): void {
  if (values.length === 0)
    throw new ArgumentError(`${verb}: there is nothing to compute.`, {
      hint: 'Write for example .rollup({ n: op.count(), bytes: op.sum("ret") }).',
    });
}
