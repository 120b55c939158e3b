/**
 * Cells in C: `%%bpf NAME [options]` compiles the lines below it, loads them, and defines NAME
 * for the TypeScript cells, a handle that is typed from the object's BTF.
 */
import { createRequire } from "node:module";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { Compiled } from "../../clang/compile.js";
import type { BpfObject } from "../../handles/object.js";
import { ArgumentError } from "../../base/errors.js";
import { listNames } from "../../base/names.js";
import { inMacrotask, type Cell } from "../interrupt/cell.js";
import type { CellMagic } from "./magics.js";
import type { Outcome } from "../typescript/runner.js";

/** What stands behind `%%bpf` on a cell's first line. */
export interface BpfCellOptions {
  name: string;
  attach: boolean;
  load: boolean;
  constants: Record<string, unknown>;
  /** Macros and directories for the compiler, and whether it is to count what rings lose. */
  compile: { define: Record<string, string | true>; include: string[]; countLost: boolean };
}

function macro(text: string, before: Record<string, string | true>): Record<string, string | true> {
  const [, name, value] = /^(\w+)(?:=(.*))?$/.exec(text) ?? [];
  if (!name) throw new InvalidArgumentError("Write NAME or NAME=value.");
  return { ...before, [name]: value ?? true };
}

function setConstant(text: string, before: Record<string, unknown>): Record<string, unknown> {
  const match = /^(\w+)=(.+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("Write key=value.");
  const [, key, value] = match as unknown as [string, string, string];
  return { ...before, [key]: constantValue(value) };
}

/** A number as C writes it, exact beyond 2^53 too; true or false; anything else, and what is quoted, is text. */
function constantValue(text: string): unknown {
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

/** Reads a cell's first line. @throws ArgumentError that says how it is written */
export function parseBpfLine(text: string): BpfCellOptions {
  const command = new Command("%%bpf")
    .argument("<name>", "what the cells below call it")
    .option("--attach", "attach each program to its hook", false)
    .option("--no-load", "compile only")
    .option("--constant <key=value>", "set a `const volatile` variable; may be repeated", setConstant, {})
    .option("-D <name[=value]>", "define a macro; may be repeated", macro, {})
    .option(
      "-I <directory>",
      "search it for headers; may be repeated",
      (dir: string, dirs: string[]) => [...dirs, dir],
      [],
    )
    .option("--count-lost", "count lost records in a program that does not count them itself", false)
    .exitOverride()
    .helpOption(false)
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  try {
    command.parse(text.split(/\s+/).filter(Boolean), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const message = error.message.replace(/^error: /, "");
    throw new ArgumentError(`%%bpf: ${message}${message.endsWith(".") ? "" : "."}`, {
      hint: "A cell in C begins with: %%bpf NAME [--attach] [--no-load] [--constant key=value] [-D NAME[=value]] [-I directory] [--count-lost]",
    });
  }
  const {
    attach,
    load,
    constant,
    D: define,
    I: include,
    countLost,
  } = command.opts<{
    attach: boolean;
    load: boolean;
    constant: Record<string, unknown>;
    D: Record<string, string | true>;
    I: string[];
    countLost: boolean;
  }>();
  const name = command.args[0]!;
  if (/^[A-Za-z]\w*$/.test(name) && !canBeDeclared(name))
    throw new ArgumentError(
      `%%bpf: ${name} is a reserved word of TypeScript, and cells could not use it as a name. Choose another.`,
    );
  return { name, attach, load, constants: constant, compile: { define, include, countLost } };
}

/** Where TypeScript picks up what a C cell made; the handle itself cannot be written as source. */
const MADE = Symbol.for("bpflab.cells");
const made = new Map<string, unknown>();

/** @param runTypeScript runs source as the cell's code, so that what it declares is there for later cells */
export function bpfMagic(runTypeScript: (cell: Cell, source: string) => Promise<Outcome>): CellMagic {
  Object.assign(globalThis, { [MADE]: made });
  return {
    name: "bpf",
    async run(cell, args, body) {
      const options = parseBpfLine(args);
      const type = await inMacrotask(cell, () => make(options, body, `cell ${cell.count}`));
      const { name, load } = options;
      const outcome = await runTypeScript(
        cell,
        `const ${name} = (globalThis as any)[Symbol.for("bpflab.cells")].get("${name}") as ${type};\n${load ? name : ""}`,
      );
      return outcome.ok && !load
        ? { ok: true, value: { of: `${name} compiles. It is not loaded: await bpf.load(${name}) does that.` } }
        : outcome;
    },
  };
}

/** @throws what attaching throws; where options are missing, with where they can be written */
async function attachAsAsked(object: BpfObject): Promise<void> {
  try {
    await object.attach();
  } catch (error) {
    const needsOptions = error instanceof ArgumentError && Object.values(object.programs).some((one) => one.hasHook);
    if (!needsOptions) throw error;
    throw error.advise(
      `The option --attach cannot express that: leave it out, and write await ${object.name}.attach({ … }) in the cell below.`,
    );
  }
}

/** Makes what the cell asks for, and returns its TypeScript type. */
async function make(
  { name, attach, load: wanted, constants, compile: options }: BpfCellOptions,
  body: string,
  place: string,
): Promise<string> {
  // Not import(): while that loads, a completion's require() of the same modules would fail.
  const require = createRequire(import.meta.url);
  const { compile } = require("../../clang/compile.js") as typeof import("../../clang/compile.js");
  const { load } = require("../../handles/load.js") as typeof import("../../handles/load.js");
  const { diagnosticText } = require("../../clang/diagnostics.js") as typeof import("../../clang/diagnostics.js");
  const { hintsOf } = require("../../bpf/hidden-variables.js") as typeof import("../../bpf/hidden-variables.js");
  const { typesOf } = require("../../bpf/typescript-types.js") as typeof import("../../bpf/typescript-types.js");
  // An empty first line in place of %%bpf: lines in messages are lines of the cell.
  const compiled: Compiled = await compile(`\n${body}`, { name, place, ...options });
  // On standard output: what runs notebooks unattended takes anything on standard error for a failure.
  for (const warning of compiled.warnings)
    if (warning.severity === "warning") console.log(diagnosticText(warning, compiled));
  if (!wanted) {
    made.set(name, compiled);
    return `import("kernel-helpers").bpf.Compiled`;
  }
  const onKept = (globals: string[]) => {
    if (globals.length > 0)
      console.log(`Kept from before: ${listNames(globals)} of ${name}. The other globals start afresh.`);
  };
  const object = await load(compiled, { constants, onKept });
  if (attach) await attachAsAsked(object);
  made.set(name, object);
  return `import("kernel-helpers").BpfObject<${typesOf(compiled, hintsOf(compiled.source, name)).replace(/\bPerCpu</g, 'import("kernel-helpers").PerCpu<')}>`;
}
