/**
 * Cells in C: `%%bpf NAME [options]` compiles the lines below it, loads them, and defines NAME
 * for the TypeScript cells, a handle that is typed from the object's BTF.
 */
import { createRequire } from "node:module";
import type { Compiled } from "../../clang/compile.js";
import type { BpfObject } from "../../handles/object.js";
import type { AttachOptions } from "../../bpf/link/hooks.js";
import { ArgumentError } from "../../base/errors.js";
import { listNames } from "../../base/names.js";
import type * as Session from "../../handles/session.js";
import { inMacrotask, type Cell } from "../interrupt/cell.js";
import { MADE_BY_C } from "../typescript/declared.js";
import { parseBpfLine, type BpfCellOptions } from "./bpf-line.js";
import type { CellMagic } from "./magics.js";
import type { Outcome } from "../typescript/runner.js";

const made = new Map<string, unknown>();

/** @param runTypeScript runs source as the cell's code, so that what it declares is there for later cells */
export function bpfMagic(runTypeScript: (cell: Cell, source: string) => Promise<Outcome>): CellMagic {
  Object.assign(globalThis, { [Symbol.for("bpflab.cells")]: made });
  return {
    name: "bpf",
    async run(cell, args, body) {
      const options = parseBpfLine(args);
      const { name, load } = options;
      // Not import(): while that loads, a completion's require() of the same modules would fail.
      const session = createRequire(import.meta.url)("../../handles/session.js") as typeof Session;
      const place = `cell ${cell.count}`;
      const type = await inMacrotask(cell, () => make(options, body, place)).catch((error: unknown) => {
        session.setOutdated(name, place);
        throw error;
      });
      session.setOutdated(name, undefined);
      const outcome = await runTypeScript(
        cell,
        `const ${name} = (globalThis as any)[${MADE_BY_C}].get("${name}") as ${type};\n${load ? name : ""}`,
      );
      return outcome.ok && !load
        ? { ok: true, value: { of: `${name} compiles. It is not loaded: await bpf.load(${name}) does that.` } }
        : outcome;
    },
  };
}

/** @throws what attaching throws; where options are missing, with where they can be written */
async function attachAsAsked(object: BpfObject, on: AttachOptions): Promise<void> {
  try {
    await object.attach(on);
  } catch (error) {
    const needsOptions = error instanceof ArgumentError && Object.values(object.programs).some((one) => one.hasHook);
    if (!needsOptions) throw error;
    throw error.advise(
      `On the first line of a cell it is written --on interface=eth0; or leave --attach out, and write await ${object.name}.attach({ … }) in the cell below.`,
    );
  }
}

/** Makes what the cell asks for, and returns its TypeScript type. */
async function make(
  { name, attach, on, load: wanted, loading, compile: options }: BpfCellOptions,
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
  let kept: string[] = [];
  const object = await load(compiled, { ...loading, onKept: (globals) => (kept = globals) });
  if (kept.length > 0) {
    const others = Object.keys(object.globals).some((global) => !kept.includes(global));
    console.log(`Kept from before: ${listNames(kept)} of ${name}.${others ? " The other globals start afresh." : ""}`);
  }
  if (Object.keys(object.programs).length === 0 && Object.keys(object.maps).length === 0)
    console.log(`${name} has neither a program, a function below a SEC("…"), nor a map: there is nothing in it.`);
  if (attach) await attachAsAsked(object, on);
  made.set(name, object);
  return `import("kernel-helpers").BpfObject<${typesOf(compiled, hintsOf(compiled.source, name)).replace(/\bPerCpu</g, 'import("kernel-helpers").PerCpu<')}>`;
}
