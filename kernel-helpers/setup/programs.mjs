/** The shipped BPF programs: compiled for the running kernel, with the types that notebooks see. */
import { realpathSync, statSync } from "node:fs";
import { release, version } from "node:os";
import { join } from "node:path";
import { run } from "./command.mjs";
import { build, cli, helpers, repo } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";
import { typescript } from "./typescript.mjs";

const stampFile = join(build, "programs.stamp");

function print() {
  const clang = realpathSync("/usr/bin/clang");
  const built = [
    join(helpers, "src/base"),
    join(helpers, "src/bpf"),
    join(helpers, "src/clang"),
    join(helpers, "src/cli/program-types.ts"),
    join(helpers, "src/generated"),
    join(repo, "bpf"),
    join(repo, "native/build/.stamp"),
  ];
  return fingerprint(built, [release(), version(), clang, String(statSync(clang).mtimeMs)]);
}

export const programs = {
  title: "BPF programs",
  done: () => isStamped(stampFile, print()),
  run: async (progress) => {
    await run(process.execPath, [cli, "prepare"], { cwd: repo, onLine: progress });
    // The types that this generates from BTF are a part of the print.
    await stamped(stampFile, print, async () => {
      if (!typescript.done()) await typescript.run(progress);
    });
  },
};
