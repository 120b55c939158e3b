import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for something that comes by itself, however busy the machine is; fails when it has not come after a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds()); await sleep(10))
    assert.ok(Date.now() < end, `it never came that ${what}`);
}
