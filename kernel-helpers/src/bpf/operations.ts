import { ArgumentError } from "../base/errors.js";

/** What can be done with a map, as its methods are called. */
export type Operation =
  | "get"
  | "getSummed"
  | "has"
  | "set"
  | "setAll"
  | "delete"
  | "entries"
  | "keys"
  | "table"
  | "poll"
  | "clear"
  | "push"
  | "pop"
  | "peek";

const array: Operation[] = ["get", "has", "set", "setAll", "entries", "keys", "table", "poll", "clear"];
const hash: Operation[] = [...array, "delete"];
const descriptors: Operation[] = ["get", "has", "set", "delete", "entries", "keys", "table", "poll"];
const storage: Operation[] = ["get", "has", "set", "delete"];
const queue: Operation[] = ["push", "pop", "peek", "clear"];

/** By the kernel's name of the type; what is not here can only be used by programs, or by other means. */
const operations: Record<string, Operation[]> = {
  array,
  percpu_array: [...array, "getSummed"],
  hash,
  lru_hash: hash,
  percpu_hash: [...hash, "getSummed"],
  lru_percpu_hash: [...hash, "getSummed"],
  lpm_trie: hash,
  queue,
  stack: queue,
  bloom_filter: ["push", "has"],
  user_ringbuf: ["push"],
  // Their values are descriptors when they are set, and ids when they are read.
  prog_array: [...descriptors, "clear"],
  array_of_maps: descriptors,
  hash_of_maps: descriptors,
  cgroup_array: ["set", "delete"],
  sockmap: ["set", "delete", "keys"],
  sockhash: ["set", "delete", "keys"],
  xskmap: ["set", "delete"],
  reuseport_sockarray: ["set", "delete"],
  devmap: descriptors,
  devmap_hash: descriptors,
  cpumap: descriptors,
  stack_trace: ["get", "has", "delete", "entries", "keys", "clear"],
  cgroup_storage: ["get", "has", "set", "entries", "keys", "table", "poll"],
  percpu_cgroup_storage: ["get", "getSummed", "has", "entries", "keys", "table", "poll"],
  // Their key is a descriptor of whom the value belongs to.
  cgrp_storage: storage,
  inode_storage: storage,
  sk_storage: storage,
  task_storage: storage,
};

const elsewhere: Record<string, string> = {
  perf_event_array: "A perf event array is read as a stream: call .events() with its name on the object.",
  ringbuf: "A ring buffer is read as a stream: call .events() with its name on the object.",
  task_storage: "It keeps a value for each process: get, has, set and delete take a process id as the key.",
  cgrp_storage: "It keeps a value for each cgroup: get, has, set and delete take its directory as the key.",
  inode_storage: "It keeps a value for each file: get, has, set and delete take its path as the key.",
  sk_storage: "It keeps a value for each socket: get, has, set and delete take its descriptor as the key.",
};

/** @throws ArgumentError that names the type and what it can do instead */
export function requireOperation(map: { name: string; type: string }, operation: Operation): void {
  const able = operations[map.type] ?? [];
  if (able.includes(operation)) return;
  throw new ArgumentError(`The map ${map.name} has no ${operation}: it is of type ${map.type}.`, {
    hint:
      elsewhere[map.type] ??
      (able.length > 0
        ? `Maps of this type have ${able.join(", ")}.`
        : "Maps of this type can be used by programs only."),
  });
}

const descriptorsOf: Record<string, string> = {
  prog_array: "the fd of a program",
  array_of_maps: "the fd of a map",
  hash_of_maps: "the fd of a map",
  cgroup_array: "the descriptor of a cgroup's directory",
  sockmap: "the descriptor of a connected socket",
  sockhash: "the descriptor of a connected socket",
  xskmap: "the descriptor of an AF_XDP socket",
  reuseport_sockarray: "the descriptor of a socket with SO_REUSEPORT",
};

/** What the values of a map are where they are descriptors, as a sentence; undefined of other maps. */
export function descriptorOf(type: string): string | undefined {
  if (type === "sk_storage") return "The key is the descriptor of a socket of this process.";
  return descriptorsOf[type] && `The value is ${descriptorsOf[type]}.`;
}
