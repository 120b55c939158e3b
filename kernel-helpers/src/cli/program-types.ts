import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compileShipped, shippedPrograms } from "../clang/compile.js";
import { typesOf } from "../bpf/typescript-types.js";

/** The checked-in types of the shipped programs. */
export const GENERATED_FILE = fileURLToPath(new URL("../../src/generated/programs.ts", import.meta.url));

const HEAD = `// Made from the BTF of bpf/*.bpf.c by "npm run build". Do not edit.
import type { PerCpu } from "../bpf/per-cpu.js";

/** The shipped programs by name: their maps, globals, constants, programs and ring buffer records. */
`;

/** The types of all shipped programs, as TypeScript source. @throws CompileError */
export async function programTypes(): Promise<string> {
  const members: string[] = [];
  for (const name of await shippedPrograms()) {
    members.push(`  ${name}: ${typesOf(await compileShipped(name), [], "  ")};\n`);
  }
  return `${HEAD}export interface ShippedPrograms {\n${members.join("")}}\n`;
}

/**
 * Compiles the shipped programs, which fills the cache, and brings their types up to date.
 *
 * @returns whether the types changed, so that the TypeScript has to be compiled again
 */
export async function prepare(): Promise<{ typesChanged: boolean }> {
  const types = await programTypes();
  const typesChanged = (await readFile(GENERATED_FILE, "utf8").catch(() => "")) !== types;
  if (typesChanged) await writeFile(GENERATED_FILE, types);
  return { typesChanged };
}
