import { readFileSync } from "node:fs";

/** The cells of the README's first notebook, as it shows them. */
export function firstNotebook(): string[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = /^## A first notebook[^\n]*\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  return [...section.matchAll(/^```(?:c|ts)\n([\s\S]*?)^```$/gm)].map((block) => block[1]!.trimEnd());
}
