/** The file system in which BPF programs, maps and links are pinned. */
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";

/** BPF_FS_MAGIC of linux/magic.h. */
const MAGIC = 0xcafe4a11;

/** Where a bpffs is mounted in this mount namespace. */
export function bpffsMounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "bpf")
    .map(([, path]) => path!.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
}

/** All paths below a directory of a bpffs that are no directories. */
export function pinnedBelow(directory: string): string[] {
  return entriesOf(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? pinnedBelow(path) : [path];
  });
}

/** @throws ArgumentError when nothing can be pinned under this path: it is not on a bpffs, or there is something */
export function requireRoom(path: string): void {
  requireText(path);
  const directory = dirname(path);
  requireBpffs(path, directory);
  const name = basename(path);
  if (name.includes("."))
    throw new ArgumentError(`pin: the name ${JSON.stringify(name)} contains a dot, which a bpffs does not allow.`);
  if (entriesOf(directory).some((entry) => entry.name === name))
    throw new ArgumentError(`pin: ${path} already exists.`, {
      hint: `Take another name, or remove it first: rm ${path}`,
    });
}

/** @throws ArgumentError when nothing is pinned at this path */
export function requirePinned(path: string): void {
  requireText(path);
  requireBpffs(path, dirname(path));
  const entry = entriesOf(dirname(path)).find(({ name }) => name === basename(path));
  if (entry?.isFile()) return;
  const isDirectory = entry?.isDirectory() ?? false;
  const directory = isDirectory ? path : dirname(path);
  const there = pinnedBelow(directory);
  throw new ArgumentError(isDirectory ? `${path} is a directory.` : `Nothing is pinned at ${path}.`, {
    hint: there.length === 0 ? `Nothing is pinned in ${directory}.` : `Pinned in ${directory}: ${listNames(there)}.`,
  });
}

function requireText(path: unknown): void {
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    throw new ArgumentError(`path: expected a path on a bpffs, got ${JSON.stringify(path) ?? String(path)}.`);
}

function requireBpffs(path: string, directory: string): void {
  const type = typeOf(directory);
  if (type === MAGIC) return;
  const [first] = bpffsMounts();
  throw new ArgumentError(
    type === undefined ? `${path}: the directory ${directory} does not exist.` : `${path} is not on a bpffs.`,
    {
      hint:
        first === undefined
          ? "No bpffs is mounted. Mount one: mount -t bpf bpf /sys/fs/bpf"
          : `BPF objects are pinned below ${first}${type === undefined ? `; mkdir makes directories there` : ""}.`,
    },
  );
}

function typeOf(directory: string): number | undefined {
  try {
    return statfsSync(directory).type;
  } catch {
    return undefined;
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // removed meanwhile
  }
}
