/** Checks sources of solutions, as they are and with changes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bpf, exercise } from "../../dist/api/index.js";

export type Exercise = "hashmap" | "ringbuf" | "stats" | "tc_icmp_filter";

let checks = 0;

/** What the check says of a program in C, which is left as it was. */
export async function checked(name: Exercise, source: string, handlers?: Parameters<typeof exercise.check>[2]) {
  const object = await bpf.load(await bpf.compile(source, { name: `${name}_${++checks}` }));
  try {
    const result = await exercise.check(name, object, handlers);
    assert.equal(object.attached, false, "it is as it was before");
    return result;
  } finally {
    object.close();
  }
}

/** A solution with changes, each of which has to be there to be changed. */
export function changed(source: string, ...changes: [string | RegExp, string][]): string {
  return changes.reduce((text, [from, to]) => {
    const next = text.replace(from, to);
    assert.notEqual(next, text, `the solution has no ${String(from)}`);
    return next;
  }, source);
}

/** A wrong solution: what is wrong with it, the exercise, its source, and what a message has to say. */
export type Wrong = [what: string, exercise: Exercise, source: string, says: RegExp];

/**
 * Tests that each wrong solution is told its own mistake. Most of a check is waiting for its workload; only what prints
 * cannot be tried beside its like, for the trace pipe is the machine's: so the exercises run side by side.
 */
export function testWrong(wrong: readonly Wrong[]): void {
  for (const exercise of new Set(wrong.map(([, name]) => name)))
    describe(exercise, { concurrency: exercise === "tc_icmp_filter" ? 3 : 1 }, () => {
      for (const [what, , source, says] of wrong.filter(([, name]) => name === exercise))
        test(what, async () => {
          const result = await checked(exercise, source);
          assert.equal(result.passed, false);
          assert.ok(
            result.messages.some((message) => says.test(message)),
            String(result),
          );
        });
    });
}
