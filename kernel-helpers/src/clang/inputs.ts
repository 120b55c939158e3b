import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** The files that a compilation read, from the rule for make that clang's -MD writes. Relative ones are relative to its directory. */
export function inputsOf(rule: string): string[] {
  const list = rule.replaceAll("\\\n", " ").replace(/^.*?:\s/s, "");
  return (list.match(/(?:\\.|\S)+/g) ?? []).map((path) => path.replace(/\\(.)/g, "$1").replaceAll("$$", "$"));
}

/** A hash over what all of these hold now; one that is gone counts as that. */
export async function hashInputs(key: string, paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(key);
  for (const path of paths) {
    const text = await readFile(path).catch(() => undefined);
    hash.update(`\0${path}\0${text ? createHash("sha256").update(text).digest("hex") : "gone"}`);
  }
  return hash.digest("hex");
}
