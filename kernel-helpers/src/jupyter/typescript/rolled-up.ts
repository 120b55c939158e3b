/**
 * Declarations that every cell sees, rolled up into few files by `roll-up.ts`: the compiler goes through all files of
 * its program for each cell, and rxjs alone has 189.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "./package-paths.js";

/** Where they lie. The file of `rxjs/operators` is `rxjs-operators.d.ts`. */
export const DECLARATIONS = join(PACKAGE_ROOT, "dist/declarations");

/** Packages, and of each the modules that it exports. What is found below another `node_modules` is left as it is. */
export const rolledUp: Readonly<Record<string, readonly string[]>> = {
  rxjs: ["", "/ajax", "/fetch", "/operators", "/testing", "/webSocket"],
  arquero: [""],
  "@uwdata/flechette": [""],
  "undici-types": [""],
};

const { resolve } = createRequire(import.meta.url);
const homes = new Map(
  Object.entries(rolledUp).flatMap(([name, modules]) =>
    modules.map((one) => [`${name}${one}`, dirname(resolve(`${name}/package.json`))]),
  ),
);

/** The name of a module's file, without its ending. */
export function rolledUpName(module: string): string {
  return module.replace(/^@/, "").replaceAll("/", "-");
}

/** The rolled-up declarations to take instead of those that were found for a module, if they are of this installation. */
export function rolledUpFile(module: string, found: string): string | undefined {
  const home = homes.get(module);
  return home && found.startsWith(`${home}/`) ? join(DECLARATIONS, `${rolledUpName(module)}.d.ts`) : undefined;
}
