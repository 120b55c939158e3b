import type { NativeError } from "../../base/native.js";

/** Why a call failed, in libbpf's own words where it had some, without what stands before each of its lines. */
export function reasonOf(error: NativeError, { name }: { name: string }): string {
  const told = error.log
    .split("\n")
    .map((row) =>
      row
        .replace(/^libbpf: /, "")
        .replace(`prog '${name}': `, "")
        .trim(),
    )
    .filter(Boolean);
  const system = error.message.replace(/^attach: /, "");
  if (told.length === 0) return system;
  const last = told[told.length - 1]!.replace(/[.:]$/, "");
  return last.includes(system) ? last : `${last} (${system})`;
}
