import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";

/** What became of a command on a host. */
export type Outcome<T> = { host: string; value: T } | { host: string; error: Error };

/** Such as `done`, or what went wrong. */
export const outcomeText = (one: Outcome<unknown>): string => ("error" in one ? one.error.message : "done");

export const succeeded = <T>(outcomes: readonly Outcome<T>[]) =>
  outcomes.flatMap((one) => ("value" in one ? [one] : []));

export const failed = <T>(outcomes: readonly Outcome<T>[]) => outcomes.flatMap((one) => ("error" in one ? [one] : []));

/** One row per host. @throws the first host's error when there is none on which it was done */
export function outcomeTable(outcomes: readonly Outcome<unknown>[]): ColumnTable {
  throwIfNone(outcomes);
  return rowsTable(
    ["host", "outcome"],
    outcomes.map((one) => ({ host: one.host, outcome: outcomeText(one) })),
  );
}

export function throwIfNone(outcomes: readonly Outcome<unknown>[]): void {
  const [first] = failed(outcomes);
  if (first && succeeded(outcomes).length === 0) throw first.error;
}

export function rowsTable<Row extends object>(
  names: readonly (keyof Row & string)[],
  rows: readonly Row[],
): ColumnTable {
  return makeTable(Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])));
}

/**
 * Those of some hosts that are meant by names in which `*` stands for any letters; all when none are given.
 *
 * @throws ArgumentError when it is none
 */
export function chooseHosts(hosts: readonly string[], only: readonly string[] | undefined): string[] {
  if (only !== undefined && !(Array.isArray(only) && only.every((one) => typeof one === "string")))
    throw new ArgumentError('only: expected names of hosts such as ["web-*"].');
  const patterns = only?.map((one) => new RegExp(`^${one.split("*").map(escaped).join(".*")}$`));
  const chosen = patterns ? hosts.filter((host) => patterns.some((pattern) => pattern.test(host))) : [...hosts];
  if (chosen.length > 0) return chosen.sort();
  throw new ArgumentError(only ? `No host is called ${only.join(" or ")}.` : "No host is there.", {
    hint: hosts.length > 0 ? `There are ${listNames([...hosts].sort())}.` : "Start `npx bpflab agent` on one.",
  });
}

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
