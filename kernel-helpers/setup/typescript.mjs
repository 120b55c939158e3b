/** The TypeScript builds: the package, its tests, its benchmark. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { helpers, repo } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

const tsc = join(repo, "node_modules/typescript/lib/tsc.js");

function build(title, project, inputs, output) {
  const stampFile = join(output, ".stamp");
  const print = () => fingerprint([join(repo, "package-lock.json"), join(repo, "tsconfig.json"), ...inputs]);
  return {
    title,
    done: () => isStamped(stampFile, print()),
    run: (progress) =>
      stamped(stampFile, print, (wasWhole) => {
        // What the compiler remembers of a build that was killed may not be what it has written.
        if (!wasWhole) rmSync(join(output, ".tsbuildinfo"), { force: true });
        return run(process.execPath, [tsc, "-p", project], { cwd: repo, onLine: progress });
      }),
  };
}

const sources = [join(helpers, "src"), join(helpers, "tsconfig.json")];

export const typescript = build("TypeScript", helpers, sources, join(helpers, "dist"));

/** The tests are checked against the package's types, so they are built anew after it. */
export const typescriptTests = build(
  "Tests",
  join(helpers, "test"),
  [...sources, join(helpers, "test")],
  join(helpers, "dist-test"),
);

export const typescriptBench = build(
  "Benchmark",
  join(helpers, "bench"),
  [...sources, join(helpers, "bench")],
  join(helpers, "dist-bench"),
);
