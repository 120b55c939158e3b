/** The Node-API addons: ours over libbpf, and the one that the benchmark compares it with. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { libbpfEnvironment, libbpfStamp } from "./libbpf.mjs";
import { build as buildDirectory, repo } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

const native = join(repo, "native");

/** Node's headers if they came with this Node; otherwise node-gyp downloads them. */
function headersOption() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, "include/node/node_version.h");
  if (!existsSync(header)) return [];
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(header, "utf8"))?.[1];
  return major === process.versions.node.split(".")[0] ? [`--nodedir=${prefix}`] : [];
}

function build(title, directory, sources, ...definitions) {
  const stampFile = join(directory, "build/.stamp");
  const print = () =>
    fingerprint([...sources, join(directory, "binding.gyp"), libbpfStamp], [process.version, process.arch]);
  return {
    title,
    done: () => isStamped(stampFile, print()),
    run: (progress) =>
      stamped(stampFile, print, () => {
        const nodeGyp = join(repo, "node_modules/node-gyp/bin/node-gyp.js");
        const args = [nodeGyp, "rebuild", "--python=/usr/bin/python3", ...headersOption()];
        if (definitions.length > 0) args.push("--", ...definitions);
        return run(process.execPath, args, { cwd: directory, env: libbpfEnvironment(), onLine: progress });
      }),
  };
}

export const addon = build("Addon over libbpf", native, [join(native, "src")]);

const naive = join(native, "bench/naive");
/** What the benchmark compares it with. */
export const naiveAddon = build("Naive addon", naive, [join(naive, "naive.c"), join(native, "bench/burst.h")]);

/**
 * The addon with a sanitizer of GCC's in it, for the tests of reliability.
 *
 * @param {"address,undefined" | "thread"} sanitizer
 * @returns {{ title: string, done(): boolean, run(): Promise<unknown>, file: string }}
 */
export function sanitizedAddon(sanitizer) {
  const directory = join(buildDirectory, "sanitized", sanitizer);
  const step = build(`Addon with ${sanitizer}`, directory, [join(native, "src")], `-Dsanitize=${sanitizer}`);
  const prepare = () => {
    mkdirSync(directory, { recursive: true });
    for (const name of ["src", "binding.gyp"]) {
      rmSync(join(directory, name), { force: true });
      symlinkSync(join(native, name), join(directory, name));
    }
  };
  return {
    ...step,
    run: () => (prepare(), step.run()),
    file: join(directory, "build/Release/bpflab.node"),
  };
}
