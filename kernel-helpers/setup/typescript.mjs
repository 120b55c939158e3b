/** The TypeScript builds: the package, its tests, its benchmark. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { helpers, repo } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

const tsc = join(repo, "node_modules/typescript/lib/tsc.js");

/** What was compiled from a file that has moved since would still be found by its old name. */
function removeStale(source, output) {
  if (!existsSync(output)) return;
  for (const file of readdirSync(output, { recursive: true })) {
    const from = file.replace(/\.(js|d\.ts)(\.map)?$/, ".ts");
    if (from !== file && !existsSync(join(source, from))) rmSync(join(output, file));
  }
}

function build(title, project, inputs, output, then) {
  const stampFile = join(output, ".stamp");
  const print = () => fingerprint([join(repo, "package-lock.json"), join(repo, "tsconfig.json"), ...inputs]);
  return {
    title,
    done: () => isStamped(stampFile, print()),
    run: (progress) =>
      stamped(stampFile, print, async (wasWhole) => {
        // What the compiler remembers of a build that was killed may not be what it has written.
        if (!wasWhole) rmSync(join(output, ".tsbuildinfo"), { force: true });
        removeStale(inputs.at(-1), output);
        await run(process.execPath, [tsc, "-b", project], { cwd: repo, onLine: progress });
        if (then) await run(process.execPath, [then], { cwd: repo, onLine: progress });
      }),
  };
}

const sources = [join(helpers, "tsconfig.json"), join(helpers, "src")];

/** What cells see of it is rolled up into one file of declarations. */
export const typescript = build(
  "TypeScript",
  helpers,
  sources,
  join(helpers, "dist"),
  join(helpers, "dist/jupyter/roll-up.js"),
);

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
