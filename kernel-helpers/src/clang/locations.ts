import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownDirectory } from "../base/own-directory.js";

/** The shipped programs: `bpf/` at the top of the repository. */
export const programsDir = fileURLToPath(new URL("../../../bpf/", import.meta.url));

/** Headers that every program may include. */
export const includeDir = join(programsDir, "include");

/** libbpf's headers, as Debian and a build from source install them. */
export const libbpfDirs = ["/usr/include/bpf", "/usr/local/include/bpf"];

/** Where the running kernel describes its types. */
export const kernelBtf = "/sys/kernel/btf/vmlinux";

/** Compiled objects, vmlinux.h and its precompiled form: `$XDG_CACHE_HOME/bpflab`. All of it can be deleted at any time. */
export function cacheDir(): string {
  return ownDirectory(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "bpflab"));
}
