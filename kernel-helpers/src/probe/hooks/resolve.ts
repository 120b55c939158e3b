import { ArgumentError } from "../../base/errors.js";
import { nearest } from "../../base/names.js";
import { kernelTypes } from "../../bpf/kernel-btf.js";
import { tracepointCategories, tracepoints } from "../../bpf/link/tracefs.js";
import { integer } from "../value-types.js";
import { hookOfBpftrace, insteadOfHook } from "../bpftrace-names.js";
import { argumentField, functionArguments, rawTracepointArguments, rawTracepoints } from "./function-arguments.js";
import type { Field, Hook } from "./hook.js";
import { readFormat, tracepointContext } from "./tracepoint-format.js";

/** Most hooks that a pattern may take: each is a program, which the kernel verifies. */
const MOST_HOOKS = 512;

const FORMS =
  "A hook is written as in SEC(): tp/CATEGORY/NAME, raw_tp/NAME, tp_btf/NAME, kprobe/FUNCTION, kretprobe/FUNCTION, fentry/FUNCTION, fexit/FUNCTION, uprobe/PATH:FUNCTION, uretprobe/PATH:FUNCTION, usdt/PATH:PROVIDER:NAME, profile:HZ or interval:SECONDS.";

const aliases: Record<string, string> = { tracepoint: "tp", raw_tracepoint: "raw_tp", raw_tp: "raw_tp" };

/** A hook's name in its parts. @throws ArgumentError for what is no hook */
export function parseHook(text: string): { kind: string; rest: string } {
  if (typeof text !== "string")
    throw new ArgumentError(`probe: expected the name of a hook, got ${typeof text}.`, { hint: FORMS });
  const match = /^([a-z_]+)([/:])(.+)$/.exec(text);
  const kind = match && (aliases[match[1]!] ?? match[1]!);
  const known = ["tp", "raw_tp", "tp_btf", "kprobe", "kretprobe", "fentry", "fexit", "uprobe", "uretprobe", "usdt"];
  const timed = ["profile", "interval"];
  if (kind && known.includes(kind) && (match[2] === "/" || kind === "tp"))
    return { kind, rest: match[3]!.replace(/^([a-z_0-9]+):/, kind === "tp" ? "$1/" : "$1:") };
  const meant = hookOfBpftrace(text);
  if (kind && timed.includes(kind) && !meant) return { kind, rest: match[3]! };
  const instead = insteadOfHook(text);
  const near = nearest(match?.[1] ?? text.split(/[/:]/)[0]!, [...known, ...timed], 1);
  const likely = meant ?? (match && near.length > 0 && !instead ? `${near[0]}${match[2]}${match[3]}` : undefined);
  throw new ArgumentError(
    `probe: ${JSON.stringify(text)} is not ${meant ? "how a hook is written" : "a kind of hook"}${likely ? `; did you mean ${likely}?` : "."}`,
    { hint: instead ?? FORMS },
  );
}

/** The hooks that a name or a pattern stands for. @throws ArgumentError that names the nearest; MissingFeatureError */
export async function resolveHooks(text: string): Promise<Hook[]> {
  const { kind, rest } = parseHook(text);
  if (!rest.includes("*")) return [await resolveHook(kind, rest)];
  const names = await matching(kind, rest);
  if (names.length === 0)
    throw new ArgumentError(`probe: no hook of this kernel matches ${text}.`, {
      hint: `probe.list(${JSON.stringify(`${kind}/*`)}) lists those that exist.`,
    });
  if (names.length > MOST_HOOKS)
    throw new ArgumentError(
      `probe: ${text} matches ${names.length.toLocaleString("en")} hooks, and a probe takes at most ${MOST_HOOKS}.`,
      {
        hint: `probe.list(${JSON.stringify(text)}) shows them; write more of the name.`,
      },
    );
  return Promise.all(names.map((name) => resolveHook(kind, name)));
}

/** The names of one kind of hook that match a pattern. */
export async function matching(kind: string, pattern: string): Promise<string[]> {
  const regexp = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
  return (await namesOf(kind, pattern)).filter((name) => regexp.test(name)).sort();
}

async function namesOf(kind: string, pattern: string): Promise<string[]> {
  switch (kind) {
    case "tp": {
      const [category] = pattern.split("/") as [string];
      const categories = category.includes("*") ? await tracepointCategories() : [category];
      const all = await Promise.all(
        categories.map(async (one) => (await tracepoints(one)).map((name) => `${one}/${name}`)),
      );
      return all.flat();
    }
    case "raw_tp":
    case "tp_btf":
      return rawTracepoints();
    case "kprobe":
    case "kretprobe":
    case "fentry":
    case "fexit":
      return [...new Set(kernelTypes().names("func"))];
    default:
      throw new ArgumentError(`probe: a pattern cannot stand for hooks of the kind ${kind}.`, {
        hint: "Patterns are for tracepoints and kernel functions.",
      });
  }
}

function identifier(text: string): string {
  return text.replace(/\W+/g, "_").replace(/^(\d)/, "_$1");
}

async function resolveHook(kind: string, rest: string): Promise<Hook> {
  const found = findHook(kind, rest);
  if (found) return found;
  if (kind === "tp") throw await unknownTracepoint(...(rest.split("/") as [string, string?]));
  if (kind === "raw_tp" || kind === "tp_btf") throw unknownHook(kind, rest, rawTracepoints(), "raw tracepoint");
  throw unknownHook(kind, rest, kernelTypes().names("func"), "function");
}

/** A hook by its name; undefined when the kernel has none of that name. */
export function findHook(kind: string, rest: string): Hook | undefined {
  const none: Pick<Hook, "declarations" | "includes" | "direct"> = { declarations: [], includes: [], direct: false };
  const name = kind === "profile" || kind === "interval" ? `${kind}:${rest}` : `${kind}/${rest}`;
  switch (kind) {
    case "tp": {
      const [category, event] = rest.split("/") as [string, string?];
      const format = event === undefined ? undefined : readFormat(category, event);
      if (!format) return undefined;
      const { struct, declaration, fields } = tracepointContext(category, event!, format);
      return {
        ...none,
        name,
        section: name,
        program: `on_${identifier(event!)}`,
        context: `struct ${struct} *`,
        declarations: [declaration],
        fields,
      };
    }
    case "raw_tp":
    case "tp_btf": {
      const params = rawTracepointArguments(rest);
      if (!params) return undefined;
      const direct = kind === "tp_btf";
      const fields = params.map((param, i) =>
        argumentField(param, direct ? `ctx[${i}]` : `ctx->args[${i}]`, { direct }),
      );
      return {
        ...none,
        name,
        section: name,
        program: `on_${identifier(rest)}`,
        context: direct ? "__u64 *" : "struct bpf_raw_tracepoint_args *",
        fields,
        direct,
      };
    }
    case "kprobe":
    case "kretprobe":
    case "fentry":
    case "fexit":
      return kernelFunction(kind, rest, name);
    case "uprobe":
    case "uretprobe":
    case "usdt":
      return userFunction(kind, rest, name);
    default:
      return timed(kind, rest, name);
  }
}

function kernelFunction(kind: string, rest: string, name: string): Hook | undefined {
  const called = functionArguments(rest);
  if (!called) return undefined;
  const direct = kind === "fentry" || kind === "fexit";
  const returns = kind === "kretprobe" || kind === "fexit";
  const place = (i: number) => (direct ? `ctx[${i}]` : `PT_REGS_PARM${i + 1}(ctx)`);
  const fields: Field[] =
    kind === "kretprobe"
      ? []
      : called.params.slice(0, direct ? 12 : 6).map((param, i) => argumentField(param, place(i), { direct }));
  if (returns && called.result) {
    const taken = fields.some((field) => field.name === "ret");
    fields.push(
      argumentField(
        { name: taken ? "retval" : "ret", type: called.result },
        direct ? `ctx[${called.params.length}]` : "PT_REGS_RC(ctx)",
        { direct },
      ),
    );
  }
  return {
    name,
    section: name,
    program: `on_${identifier(rest)}`,
    context: direct ? "__u64 *" : "struct pt_regs *",
    declarations: [],
    includes: direct ? [] : ["bpf/bpf_tracing.h"],
    fields,
    direct,
  };
}

/** Arguments of programs' own functions: 64 bits each, as nothing says their types. */
function userFunction(kind: string, rest: string, name: string): Hook {
  const parts = rest.split(":");
  const form = kind === "usdt" ? "usdt/PATH:PROVIDER:NAME" : `${kind}/PATH:FUNCTION`;
  if (parts.length !== (kind === "usdt" ? 3 : 2) || parts.some((part) => part === "") || /["\\\n]/.test(rest))
    throw new ArgumentError(`probe: a hook of this kind is written ${form}, got ${JSON.stringify(name)}.`, {
      hint: "For example uprobe/libc.so.6:malloc, or uretprobe//bin/bash:readline with a path.",
    });
  const field = (called: string, code: string, about: string): Field => ({
    name: called,
    type: integer(8, true),
    code,
    about,
  });
  const ordinals = (count: number) => Array.from({ length: count }, (_, i) => i);
  const fields: Record<string, Field[]> = {
    uprobe: ordinals(6).map((i) => field(`arg${i}`, `PT_REGS_PARM${i + 1}(ctx)`, `argument ${i}`)),
    uretprobe: [field("ret", "PT_REGS_RC(ctx)", "the function's result")],
    usdt: ordinals(12).map((i) =>
      field(`arg${i}`, `({ long value = 0; bpf_usdt_arg(ctx, ${i}, &value); value; })`, `argument ${i}`),
    ),
  };
  return {
    name,
    section: name,
    program: `on_${identifier(parts.at(-1)!)}`,
    context: "struct pt_regs *",
    declarations: [],
    includes: kind === "usdt" ? ["bpf/usdt.bpf.h"] : ["bpf/bpf_tracing.h"],
    fields: fields[kind]!,
    direct: false,
  };
}

/** Samples of the clock: a profile takes them on every CPU, an interval on one. */
function timed(kind: string, rest: string, name: string): Hook {
  const number = Number(rest);
  const isProfile = kind === "profile";
  if (!(number > 0 && Number.isFinite(number)) || (isProfile && !Number.isInteger(number)))
    throw new ArgumentError(
      `probe: ${kind}: takes ${isProfile ? "samples a second, an integer" : "seconds"}, got ${JSON.stringify(rest)}.`,
      { hint: isProfile ? "For example profile:99." : "For example interval:1." },
    );
  return {
    name,
    section: "perf_event",
    program: `on_${kind}`,
    context: "struct bpf_perf_event_data *",
    declarations: [],
    includes: [],
    fields: [],
    direct: false,
    attach: isProfile ? { frequency: number } : { period: Math.round(number * 1e9), cpu: 0 },
  };
}

async function unknownTracepoint(category: string, event: string | undefined): Promise<ArgumentError> {
  const events = await tracepoints(category);
  if (events.length > 0) return unknownHook(`tp/${category}`, event ?? "", events, "tracepoint");
  const categories = await tracepointCategories();
  // Without a category, or with a wrong one, the event's name may still be found.
  const elsewhere = (await namesOf("tp", "*/*")).filter((one) => one.endsWith(`/${event ?? category}`));
  const near =
    elsewhere.length > 0
      ? elsewhere.map((one) => `tp/${one}`)
      : nearest(category, categories).map((one) => `tp/${one}/${event ?? "*"}`);
  return new ArgumentError(`probe: this kernel has no tracepoint ${category}/${event ?? "…"}.`, {
    hint: `The nearest are ${near.slice(0, 3).join(", ")}; probe.list("tp/${nearest(category, categories, 1)[0]}/*") shows more.`,
  });
}

function unknownHook(prefix: string, name: string, names: readonly string[], what: string): ArgumentError {
  const near = nearest(name, [...new Set(names)]).map((one) => `${prefix}/${one}`);
  return new ArgumentError(`probe: this kernel has no ${what} ${prefix}/${name}.`, {
    hint: `The nearest are ${near.join(", ")}.`,
  });
}
