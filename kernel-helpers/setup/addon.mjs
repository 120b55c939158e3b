/** The Node-API addon over libbpf. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { repo } from "./paths.mjs";
import { fingerprint, isStamped, stamp } from "./stamp.mjs";

const native = join(repo, "native");
const stampFile = join(native, "build/.stamp");
const print = () => fingerprint([join(native, "src"), join(native, "binding.gyp")], [process.version, process.arch]);

/** Node's headers if they came with this Node; otherwise node-gyp downloads them. */
function headersOption() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, "include/node/node_version.h");
  if (!existsSync(header)) return [];
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(header, "utf8"))?.[1];
  return major === process.versions.node.split(".")[0] ? [`--nodedir=${prefix}`] : [];
}

export const addon = {
  title: "Addon over libbpf",
  done: () => isStamped(stampFile, print()),
  run: async (progress) => {
    const before = print();
    const nodeGyp = join(repo, "node_modules/node-gyp/bin/node-gyp.js");
    await run(process.execPath, [nodeGyp, "rebuild", "--python=/usr/bin/python3", ...headersOption()], { cwd: native, onLine: progress });
    stamp(stampFile, before);
  },
};
