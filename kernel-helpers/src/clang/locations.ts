import { accessSync, constants, existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BpflabError } from "../base/errors.js";
import { ownDirectory } from "../base/own-directory.js";
import { scratchUntilExit } from "../base/scratch.js";

/** The shipped programs: `bpf/` at the top of the repository. */
export const PROGRAMS_DIR = fileURLToPath(new URL("../../../bpf/", import.meta.url));

/** Headers that every program may include. */
export const INCLUDE_DIR = join(PROGRAMS_DIR, "include");

/** The headers of the libbpf that the set-up built because the distribution's is too old, if it did. */
const BUILT_LIBBPF = fileURLToPath(new URL("../../../native/libbpf/include", import.meta.url));
export const BUILT_HEADERS = existsSync(BUILT_LIBBPF) ? BUILT_LIBBPF : undefined;

/** libbpf's headers, as that, Debian and a build from source install them. */
export const libbpfDirs = [join(BUILT_LIBBPF, "bpf"), "/usr/include/bpf", "/usr/local/include/bpf"];

/** Where the running kernel describes its types. */
export const KERNEL_BTF = "/sys/kernel/btf/vmlinux";

/** What a directory gives in which nothing can be made. */
const unwritable = ["EROFS", "EACCES", "EPERM"];

let temporary: string | undefined;

/**
 * Compiled objects, vmlinux.h and its precompiled form: `$XDG_CACHE_HOME/bpflab`. All of it can be deleted at any time.
 * Where that cannot be written, a directory that goes with the process.
 */
export function cacheDir(): string {
  const directory = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "bpflab");
  try {
    ownDirectory(directory);
    accessSync(directory, constants.W_OK);
    return directory;
  } catch (error) {
    if (!unwritable.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return (temporary ??= scratchUntilExit(TEMPORARY_CACHE));
  }
}

/** What the names of such directories begin with. */
export const TEMPORARY_CACHE = "bpflab-cache-";

/** The error itself; or, where it comes of a full disk, one that says which disk, and what to do. */
export function orNoSpace(error: unknown): unknown {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT" && !/No space left on device/.test(message)) return error;
  return new BpflabError("NO_SPACE", `There is no space left in ${cacheDir()}, where compiled programs are kept.`, {
    hint: "Make room there, or name another directory in the environment variable XDG_CACHE_HOME.",
    cause: error,
  });
}
