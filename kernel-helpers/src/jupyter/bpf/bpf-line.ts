/** The first line of a cell in C: `%%bpf NAME [options]`. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseArgsStringToArgv } from "string-argv";
import { ArgumentError } from "../../base/errors.js";
import type { AttachOptions } from "../../bpf/link/hooks.js";
import type { LoadOptions } from "../../handles/load.js";

/** What stands behind `%%bpf` on a cell's first line. */
export interface BpfCellOptions {
  name: string;
  attach: boolean;
  /** What SEC() does not say of the hooks. */
  on: AttachOptions;
  load: boolean;
  loading: Pick<LoadOptions, "constants" | "maxEntries" | "programs" | "targets" | "alternatives">;
  /** Macros and directories for the compiler, and whether it is to count what rings lose. */
  compile: { define: Record<string, string | true>; include: string[]; countLost: boolean };
}

type Values = Record<string, unknown>;

function macro(text: string, before: Record<string, string | true>): Record<string, string | true> {
  const [, name, value] = /^(\w+)(?:=(.*))?$/.exec(text) ?? [];
  if (!name) throw new InvalidArgumentError("Write NAME or NAME=value.");
  return { ...before, [name]: value ?? true };
}

function pair(text: string): [key: string, value: string] {
  const [, key, value] = /^([\w.]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("Write key=value.");
  return [key, value];
}

function setValue(text: string, before: Values): Values {
  const [key, value] = pair(text);
  return { ...before, [key]: valueOf(value) };
}

/** `interface=eth0` for all programs that take it, `on_sample.frequency=99` for one; several values have commas between them. */
function setHook(text: string, before: AttachOptions): AttachOptions {
  const [key, written] = pair(text);
  const values = written.split(",").map(valueOf);
  const value = values.length > 1 ? values : values[0];
  const [, program, option] = /^(\w+)\.(\w+)$/.exec(key) ?? [];
  if (!program || !option) return { ...before, [key]: value };
  const { programs = {} } = before;
  const own = programs[program];
  return {
    ...before,
    programs: { ...programs, [program]: { ...(typeof own === "object" ? own : {}), [option]: value } },
  };
}

/** A number as C writes it, exact beyond 2^53 too; true or false; anything else, and what is quoted, is text. */
function valueOf(text: string): unknown {
  const [, sign, digits] = /^([+-]?)(0x[\da-f]+|\d+)$/i.exec(text) ?? [];
  if (digits) {
    const value = sign === "-" ? -BigInt(digits) : BigInt(digits);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (text === "true" || text === "false") return text === "true";
  if (Number.isFinite(Number(text))) return Number(text);
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/** False for `class`, `await`, `exports` and other words that no cell can declare; the name is known to be one word. */
function canBeDeclared(name: string): boolean {
  try {
    AsyncFunction("exports", "require", `"use strict"; const ${name} = 0;`); // as a cell is wrapped
    return true;
  } catch {
    return false;
  }
}

const USAGE =
  "%%bpf NAME [--attach] [--on key=value] [--no-load] [--constant key=value] [--max-entries map=number] [--without program] [--with program] [--target program=function] [--alternatives a,b] [-D NAME[=value]] [-I directory] [--count-lost]";

/** Stands for an apostrophe between quotes, which is none that opens or closes. */
const APOSTROPHE = "\ue000";

/** The words of a line, as a shell has them; but NAME="a b" keeps its quotes, by which C and constants know text. */
function wordsOf(line: string): string[] {
  const [open] = /["']/.exec(line.replace(/"[^"]*"|'[^']*'/g, "")) ?? [];
  if (open)
    throw new ArgumentError(`%%bpf: the quote ${open} is not closed.`, {
      hint: `Close it on the cell's first line, or write it between ${open === "'" ? '" and "' : "' and '"}.`,
    });
  const kept = line.replace(/="([^"]*)"/g, (_, text: string) => `='"${text.replaceAll("'", APOSTROPHE)}"'`);
  return parseArgsStringToArgv(kept).map((word) => word.replaceAll(APOSTROPHE, "'"));
}

/** Reads a cell's first line. @throws ArgumentError that says how it is written */
export function parseBpfLine(text: string): BpfCellOptions {
  const choose = (wanted: boolean) => (name: string, before: Values) => ({ ...before, [name]: wanted });
  const more = <T>(one: (text: string) => T) => (text: string, before: T[]) => [...before, one(text)]; // prettier-ignore
  const command = new Command("%%bpf")
    .argument("<name>", "what the cells below call it")
    .option("--attach", "attach each program to its hook", false)
    .option("--on <key=value>", "attach, and say of the hook what SEC() does not; may be repeated", setHook, {})
    .option("--no-load", "compile only")
    .option("--constant <key=value>", "set a `const volatile` variable; may be repeated", setValue, {})
    .option("--max-entries <map=number>", "give a map another size; may be repeated", setValue, {})
    .option("--without <program>", "leave a program out; may be repeated", choose(false), {})
    .option("--with <program>", 'take a program of SEC("?…") in; may be repeated', choose(true), {})
    .option(
      "--target <program=function>",
      'say what a program of SEC("fentry") is about; may be repeated',
      setValue,
      {},
    )
    .option(
      "--alternatives <programs>",
      "of programs with commas between them, take the first that loads",
      more((list) => list.split(",")),
      [],
    ) // prettier-ignore
    .option("-D <name[=value]>", "define a macro; may be repeated", macro, {})
    .option("-I <directory>", "search it for headers; may be repeated", more(String), [])
    .option("--count-lost", "count lost records in a program that does not count them itself", false)
    .exitOverride()
    .helpOption(false)
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  try {
    command.parse(wordsOf(text), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const message = error.message.replace(/^error: /, "");
    throw new ArgumentError(`%%bpf: ${message}${message.endsWith(".") ? "" : "."}`, {
      hint: `A cell in C begins with: ${USAGE}`,
    });
  }
  const given = command.opts<{
    attach: boolean;
    on: AttachOptions;
    load: boolean;
    constant: Values;
    maxEntries: Record<string, number>;
    without: Record<string, boolean>;
    with: Record<string, boolean>;
    target: Record<string, string>;
    alternatives: string[][];
    D: Record<string, string | true>;
    I: string[];
    countLost: boolean;
  }>();
  const name = command.args[0]!;
  if (/^[A-Za-z]\w*$/.test(name) && !canBeDeclared(name))
    throw new ArgumentError(
      `%%bpf: ${name} is a reserved word of TypeScript, and cells could not use it as a name. Choose another.`,
    );
  return {
    name,
    attach: given.attach || Object.keys(given.on).length > 0,
    on: given.on,
    load: given.load,
    loading: {
      constants: given.constant,
      maxEntries: given.maxEntries,
      programs: { ...given.without, ...given.with },
      targets: given.target,
      alternatives: given.alternatives,
    },
    compile: { define: given.D, include: given.I, countLost: given.countLost },
  };
}
