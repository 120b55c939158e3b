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
};

const elsewhere: Record<string, string> = {
  ringbuf: "A ring buffer is read as a stream: call .events() with its name on the object.",
  task_storage: "It lives with each thread, where only programs reach it.",
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
