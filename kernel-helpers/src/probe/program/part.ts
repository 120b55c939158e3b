import { ArgumentError } from "../../base/errors.js";
import type { Compiler } from "../expression/compiler.js";
import { insteadOfUnknown } from "../expression/unknown-column.js";
import { textValue } from "../expression/value.js";
import type { Value } from "../expression/value.js";
import { commonFields, stackFields, visibleFields } from "../hooks/common.js";
import type { Field, Hook } from "../hooks/hook.js";
import { isWide } from "../value-types.js";
import { Body } from "./body.js";
import { stored } from "./struct-members.js";
import { Namer } from "./namer.js";
import { comment } from "./page.js";
import { pairOf, type Pair } from "./pair.js";
import { rollupColumn } from "./formula.js";
import { requireColumns, type Aggregate } from "./rollup.js";
import type { ColumnInput, Verb } from "./verbs.js";
import { argumentsOf } from "./title.js";

/** What one hook's program computes, before all hooks' columns have one type. */
export interface Part {
  hook: Hook;
  body: Body;
  /** Columns of an event, or the keys of a group. */
  columns: [string, Value][];
  aggregates: Aggregate[];
  /** Of a rollup: the names of its columns in their order, with how those are computed that are no aggregates. */
  rolledUp: [name: string, formula: string | undefined][];
  pair?: Pair;
}

/** What a question computes at one hook. */
export function compilePart(
  hook: Hook,
  start: Hook | undefined,
  verbs: readonly Verb[],
  params: ReadonlyMap<string, Value>,
  several: boolean,
): Part {
  const pair = start && pairOf(start, hook);
  const hooks: readonly Field[] = pair ? pair.fields : hook.fields;
  const atEntry = /^uprobe\/[^+]+$/.test(hook.name);
  const shared = [...commonFields, ...stackFields].map((field): Field => {
    if (pair && field.name === "time_ns") return { ...field, code: "now" };
    return atEntry && field.name === "user_stack" ? { ...field, type: { kind: "stack", of: "user", atEntry } } : field;
  });
  const visible = visibleFields(hooks, shared);
  const user = /^(tp\/(raw_)?syscalls\/|uprobe|uretprobe|usdt)/.test(hook.name);
  const body = new Body(visible, params, user);
  if (several) body.define("probe", textValue({ from: "literal", value: hook.name }));
  const part: Part = { hook, body, columns: [], aggregates: [], rolledUp: [], ...(pair ? { pair } : {}) };
  const derived: string[] = [];
  let selected: string[] | undefined;
  let keys: [string, Value][] = [];
  for (const verb of verbs) {
    switch (verb.verb) {
      case "filter":
        body.add("", `/* filter: ${comment(argumentsOf(verb))} */`);
        body.compile("filter", verb.test, (compiler) => {
          body.add(`if (!${compiler.condition(compiler.parsed.body)})`, "\treturn 0;");
          body.prove(compiler);
        });
        break;
      case "sample":
        body.add(
          "",
          `/* sample: one in ${verb.one} */`,
          `if (__sync_fetch_and_add(&sampled, 1) % ${verb.one})`,
          "\treturn 0;",
        );
        break;
      case "derive":
        for (const [name, input] of verb.values) {
          body.add("", `/* derive ${comment(`${name}: ${argumentsOf({ verb: "filter", test: input })}`)} */`);
          body.compile(`derive of ${name}`, input, (compiler) =>
            body.define(name, held(body, name, compiler.value(compiler.parsed.body))),
          );
          if (selected && !selected.includes(name)) selected.push(name);
          else if (!derived.includes(name)) derived.push(name);
        }
        break;
      case "select": {
        body.add("", `/* select: ${comment(argumentsOf(verb))} */`);
        const taken = named(body, "select", verb.columns);
        body.keep(taken);
        selected = taken.map(([name]) => name);
        break;
      }
      case "groupby":
        body.add("", `/* groupby: ${comment(argumentsOf(verb))} */`);
        keys = named(body, "groupby", verb.keys);
        for (const [name, value] of keys) body.define(name, value);
        break;
      case "rollup": {
        requireColumns("rollup", verb.values);
        body.add("", `/* rollup: ${comment(argumentsOf(verb))} */`);
        const namer = new Namer("member");
        for (const [name] of keys) namer.name(name);
        for (const [name, input] of verb.values) {
          const { aggregates, formula } = body.compile(`rollup of ${name}`, input, (compiler) =>
            rollupColumn(compiler, name, namer),
          );
          part.aggregates.push(...aggregates);
          part.rolledUp.push([name, formula]);
        }
        part.columns = keys;
        return part;
      }
    }
  }
  const usual = several
    ? ["time_ns", "pid", "tid", "comm", "probe"]
    : [
        ...(pair ? ["start_ns", "duration_ns"] : ["time_ns"]),
        "pid",
        "tid",
        "comm",
        ...visible
          .slice(shared.length)
          .filter((field) => stored("x", field.type, false) && !["start_ns", "duration_ns"].includes(field.name))
          .map(({ name }) => name),
      ];
  if (!selected) body.add("", "/* all columns */");
  part.columns = (selected ?? [...usual, ...derived.filter((name) => !usual.includes(name))]).map((name) => [
    name,
    body.column(name)!,
  ]);
  return part;
}

/** A computed number gets a variable of its name; text is read where it goes. */
function held(body: Body, name: string, value: Value): Value {
  const kept = (code: string, c: string) => body.local(name, c, code);
  const special = value.special ? { special: { ...value.special, code: kept(value.special.code, "const __u8") } } : {};
  switch (value.type.kind) {
    case "int":
      return {
        ...value,
        code:
          value.constant === undefined
            ? kept(value.code, isWide(value.type) ? "const __u64" : "const __s64")
            : value.code,
        ...special,
      };
    case "named":
      return { ...value, code: kept(value.code, "const __s64"), ...special };
    case "bool":
      return { ...value, code: kept(value.code, "const bool"), ...special };
    default:
      return { ...value, ...special };
  }
}

function named(body: Body, verb: "select" | "groupby", columns: readonly [string, ColumnInput][]): [string, Value][] {
  return columns.map(([name, input]) => {
    if ("column" in input) return [name, columnOf(body, verb, input.column)];
    if ("rename" in input) {
      // As in arquero { name: "newName" }; and what names no column is the text of an expression.
      const renamed = body.column(name);
      if (renamed) return [input.rename, renamed];
      const same = body.column(input.rename);
      if (same) return [name, same];
    }
    const text = "rename" in input ? input.rename : input.value;
    const compiled = (compiler: Compiler) => held(body, name, compiler.value(compiler.parsed.body));
    return [name, body.compile(`${verb} of ${name}`, text, compiled)];
  });
}

function columnOf(body: Body, verb: string, name: string): Value {
  const found = body.column(name);
  if (found) return found;
  throw new ArgumentError(`${verb}: there is no column ${JSON.stringify(name)} here.`, {
    hint: insteadOfUnknown(name, body.columns()),
  });
}
