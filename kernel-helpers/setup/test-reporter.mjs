/**
 * What a test file's process says: every test, as node's own `spec` reporter shows it, on standard output; on descriptor 3,
 * for the runner, how many passed and which did not. The runner adds up all files, so a file's own sums are left out.
 */
import { writeSync } from "node:fs";
import { Readable } from "node:stream";
import { spec } from "node:test/reporters";

const SUM = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** @returns {"passed" | "failed" | undefined} undefined: only a frame around other tests */
function outcome(type, { skip, todo, details }) {
  const isSuite = details.type === "suite";
  if (type === "test:pass") {
    if (isSuite) return undefined;
    // A test that is skipped shows nothing: here what a test needs is there, or it fails.
    return skip !== undefined || todo !== undefined ? "failed" : "passed";
  }
  return details.error?.failureType === "subtestsFailed" ? undefined : "failed";
}

export default async function* report(events) {
  const result = { passed: 0, failed: [] };
  process.once("exit", () => writeSync(3, JSON.stringify(result)));
  async function* watched() {
    for await (const event of events) {
      const { type, data } = event;
      if (type === "test:diagnostic" && data.nesting === 0 && SUM.test(data.message)) continue;
      if (type === "test:pass" || type === "test:fail") {
        const what = outcome(type, data);
        if (what === "passed") result.passed++;
        if (what === "failed") result.failed.push(data.name);
      }
      yield event;
    }
  }
  yield* Readable.from(watched()).pipe(new spec());
}
