/** `npm run check`: what can be known of the sources without a kernel: form, types, imports, dead code. */
import { join } from "node:path";
import { run, SetupError } from "./command.mjs";
import { repo } from "./paths.mjs";

const bin = (name) => join(repo, "node_modules/.bin", name);

// Not by its name in .bin, which tslab's copy of the compiler has too.
const tscFile = join(repo, "node_modules/typescript/lib/tsc.js");

const tsc = {
  title: "tsc",
  command: [process.execPath, tscFile, "-b", "kernel-helpers/test", "kernel-helpers/bench"],
};

async function cSources() {
  const files = await run("git", ["ls-files", "-z", "native/src", "native/fuzz", "bpf"], { cwd: repo });
  return files.split("\0").filter((file) => /\.(c|cc|h)$/.test(file));
}

/** Runs them two at a time, and says of each how it went. Returns the exit code. */
export async function runChecks() {
  const checks = [
    { title: "eslint", command: [bin("eslint"), "--max-warnings", "0", "."] },
    { title: "prettier", command: [bin("prettier"), "--check", "--log-level", "warn", "."] },
    { title: "clang-format", command: ["clang-format", "--dry-run", "-Werror", ...(await cSources())] },
    { title: "knip", command: [bin("knip"), "--no-progress"] },
    tsc,
  ];
  let failed = 0;
  const worker = async () => {
    for (let check = checks.shift(); check; check = checks.shift()) {
      const {
        title,
        command: [file, ...args],
      } = check;
      const started = performance.now();
      const lines = [];
      const error = await run(file, args, { cwd: repo, onLine: (line) => lines.push(line) }).then(
        () => undefined,
        (e) => e,
      );
      if (error && !(error instanceof SetupError)) throw error;
      console.log(`${error ? "✗" : "✓"} ${title}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
      if (!error) continue;
      failed++;
      console.log(lines.join("\n"));
    }
  };
  await Promise.all([worker(), worker()]);
  return failed === 0 ? 0 : 1;
}
