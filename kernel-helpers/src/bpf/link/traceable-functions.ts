import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tracefs } from "./tracefs.js";

/** A function of the kernel that ftrace can enter, which is what links to many functions are made of. */
export interface TraceableFunction {
  name: string;
  address: bigint;
}

/**
 * All of them, those of modules included. Some hundred of /proc/kallsyms are not: the tracer's own, and what runs
 * before there is one. The kernel refuses a link to many functions as a whole when one of them cannot be traced.
 *
 * @throws MissingFeatureError without tracefs
 */
export function traceableFunctions(): TraceableFunction[] {
  const directory = tracefs();
  const addressed = textOf(join(directory, "available_filter_functions_addrs")); // since Linux 6.5
  if (addressed !== undefined)
    return [...addressed.matchAll(/^([0-9a-f]+) (\S+)/gm)].map(([, address, name]) => ({
      name: name!,
      address: BigInt(`0x${address}`),
    }));
  const traceable = countOf(textOf(join(directory, "available_filter_functions")) ?? "", /^(\S+)/gm);
  const symbols = [...readFileSync("/proc/kallsyms", "latin1").matchAll(/^([0-9a-f]+) [tTwW] (\S+)/gm)];
  const there = countOf(symbols.map(([, , name]) => name).join("\n"), /^(\S+)/gm);
  // Of several functions of one name the list does not say which of them it means, unless it means all.
  return symbols
    .filter(([, , name]) => traceable.get(name!) === there.get(name!))
    .map(([, address, name]) => ({ name: name!, address: BigInt(`0x${address}`) }));
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

function countOf(text: string, pattern: RegExp): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, name] of text.matchAll(pattern)) counts.set(name!, (counts.get(name!) ?? 0) + 1);
  return counts;
}
