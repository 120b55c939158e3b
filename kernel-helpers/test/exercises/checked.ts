/** Checks sources of solutions, as they are and with changes. */
import assert from "node:assert/strict";
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
