/** The Node-API addons: ours over libbpf, and the one that the benchmark compares it with. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { repo } from "./paths.mjs";
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

function build(title, directory, sources) {
  const stampFile = join(directory, "build/.stamp");
  const print = () => fingerprint([...sources, join(directory, "binding.gyp")], [process.version, process.arch]);
  return {
    title,
    done: () => isStamped(stampFile, print()),
    run: (progress) =>
      stamped(stampFile, print, () => {
        const nodeGyp = join(repo, "node_modules/node-gyp/bin/node-gyp.js");
        const args = [nodeGyp, "rebuild", "--python=/usr/bin/python3", ...headersOption()];
        return run(process.execPath, args, { cwd: directory, onLine: progress });
      }),
  };
}

export const addon = build("Addon over libbpf", native, [join(native, "src")]);

const naive = join(native, "bench/naive");
/** What the benchmark compares it with. */
export const naiveAddon = build("Naive addon", naive, [join(naive, "naive.c"), join(native, "bench/burst.h")]);
