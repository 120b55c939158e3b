/** What is tried on a kernel, feature by feature, and told in one line of JSON each, for `setup/kernels.mjs` to read. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { bpf } from "../../dist/api/index.js";

/** Patience with one feature on an emulated processor. */
const LIMIT_MS = 300_000;

const only = process.argv.slice(2);
let failures = 0;

/**
 * Tries one feature, and tells what became of it. Nothing it has loaded stays.
 *
 * @param attempt fails in words where the kernel does not have it; what it returns is told with the success
 */
export async function feature(name: string, attempt: () => Promise<string | void>): Promise<void> {
  if (only.length > 0 && !only.some((word) => name.includes(word))) return;
  const started = performance.now();
  const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => assert.fail("it has not ended in time"));
  const told = await Promise.race([attempt(), late]).then(
    (detail) => ({ ok: true, detail }),
    (error: Error) => ({ ok: false, detail: error.message }),
  );
  bpf.closeAll();
  if (!told.ok) failures++;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  console.log(`FEATURE ${JSON.stringify({ name, ...told, seconds })}`);
}

/** Says that all were tried, and ends the process. */
export function end(): never {
  console.log(`FEATURES-END ${failures}`);
  process.exit(failures > 0 ? 1 : 0);
}
