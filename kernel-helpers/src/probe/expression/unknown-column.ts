import { listNames, nearest } from "../../base/names.js";
import { insteadOfColumn } from "../bpftrace-names.js";

/** What to write instead of a column that there is not. */
export function insteadOfUnknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known, 3, Math.max(2, name.length / 2));
  const nearby = near.length > 0 ? `The nearest ${near.length > 1 ? `are ${near.join(", ")}` : `is ${near[0]!}`}.` : "";
  const meant = insteadOfColumn(name, known) ?? nearby;
  return `${meant} All of them are ${listNames(known)}.`.trim();
}
