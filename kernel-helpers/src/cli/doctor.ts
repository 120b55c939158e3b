import { visible, visibleJson } from "../base/text.js";
import type { Check, Finding } from "./finding.js";
import { checks } from "./machine-checks.js";

type Outcome = Pick<Check, "name" | "needed"> & Finding;

/**
 * `bpflab doctor`: looks at the machine, and tries each kind of hook.
 *
 * @param options `json`: one JSON object instead of lines for people
 * @returns the exit code: 1 if something is missing without which the main job cannot be done
 */
export async function doctor({ json = false }: { json?: boolean } = {}): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const { name, needed, look } of checks) {
    const outcome = { name, needed, ...(await look()) };
    outcomes.push(outcome);
    if (!json) print(outcome);
  }
  const ok = outcomes.every((one) => one.ok || !one.needed);
  if (json) console.log(visibleJson({ ok, checks: outcomes }, undefined, 2));
  return ok ? 0 : 1;
}

const WIDTH = Math.max(...checks.map(({ name }) => name.length));

function print({ name, needed, ok, found, fix }: Outcome): void {
  console.log(`${ok ? "✓" : needed ? "✗" : "–"} ${name.padEnd(WIDTH)}  ${visible(found)}`);
  if (!ok && fix) console.log(`  ${" ".repeat(WIDTH)}  → ${visible(fix)}`);
}
