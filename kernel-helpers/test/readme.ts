import { readFileSync } from "node:fs";

/** The cells of the README's first notebook, as it shows them. */
export function firstNotebook(): string[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = /^## A first notebook[^\n]*\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  return [...section.matchAll(/^```(?:c|ts)\n([\s\S]*?)^```$/gm)].map((block) => block[1]!.trimEnd());
}

/** A row of the README's table of hooks. */
export interface HookRow {
  /** What may stand in SEC(), `…` for a name. */
  sections: string[];
  options: string[];
}

/** The README's table of what programs are attached to. */
export function hookTable(): HookRow[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = /^## What a program can be attached to\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  const code = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  return section
    .split("\n")
    .filter((row) => row.startsWith("| `"))
    .map((row) => row.split("|").map((cell) => cell.trim()))
    .map(([, sections = "", , options = ""]) => ({
      sections: code(sections),
      options: options.startsWith("none") ? [] : code(options),
    }));
}
