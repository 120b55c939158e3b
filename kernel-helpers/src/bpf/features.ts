// Which kernel brought what, for messages about what the running one lacks.

/** Helpers are numbered in the order in which they came: the first number that each version added. */
const helpersBy: readonly (readonly [version: string, first: number])[] = [
  ["3.19", 1],
  ["4.1", 4],
  ["4.2", 12],
  ["4.3", 17],
  ["4.4", 23],
  ["4.5", 26],
  ["4.6", 27],
  ["4.8", 31],
  ["4.9", 37],
  ["4.10", 42],
  ["4.11", 45],
  ["4.12", 46],
  ["4.13", 48],
  ["4.14", 51],
  ["4.15", 54],
  ["4.16", 58],
  ["4.17", 60],
  ["4.18", 65],
  ["4.19", 81],
  ["4.20", 84],
  ["5.0", 91],
  ["5.1", 93],
  ["5.2", 99],
  ["5.3", 109],
  ["5.5", 111],
  ["5.6", 116],
  ["5.7", 120],
  ["5.8", 125],
  ["5.9", 136],
  ["5.10", 142],
  ["5.11", 156],
  ["5.12", 163],
  ["5.13", 164],
  ["5.14", 166],
  ["5.15", 169],
  ["5.16", 176],
  ["5.17", 180],
  ["5.18", 186],
  ["5.19", 194],
  ["6.0", 204],
  ["6.1", 209],
  ["6.2", 210],
];

/** The kernel version that brought a helper, by its number; undefined for numbers that no kernel has. */
export function helperSince(id: number): string | undefined {
  if (id < 1 || id > 211) return undefined;
  return helpersBy.filter(([, first]) => first <= id).at(-1)?.[0];
}

const programTypes: Record<string, string> = {
  tracing: "5.5",
  lsm: "5.7",
  ext: "5.6",
  struct_ops: "5.6",
  sk_lookup: "5.9",
  syscall: "5.14",
  netfilter: "6.4",
};

/** The kernel version that brought a type of program, if it is newer than 5.4. */
export function programTypeSince(type: string): string | undefined {
  return programTypes[type];
}

const mapTypes: Record<string, string> = {
  ringbuf: "5.8",
  inode_storage: "5.10",
  task_storage: "5.11",
  bloom_filter: "5.16",
  user_ringbuf: "6.1",
  cgrp_storage: "6.2",
  arena: "6.9",
};

/** The kernel version that brought a type of map, if it is newer than 5.4. */
export function mapTypeSince(type: string): string | undefined {
  return mapTypes[type];
}
