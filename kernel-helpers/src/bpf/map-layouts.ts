import type { MapDescription } from "../base/native.js";
import type { Btf, Layout } from "./btf.js";

const index: Layout = { kind: "int", size: 4, signed: false };

/** Maps whose key is an index by the kernel's definition, whether or not the program says so. */
const indexed =
  /^(percpu_|prog_|perf_event_|cgroup_)?array$|^array_of_maps$|^(dev|cpu|xsk|sock)map$|^reuseport_sockarray$|^stack_trace$/;

/** What a map's definition says of its keys and values. */
export interface Declared {
  key: Layout | undefined;
  value: Layout | undefined;
}

/**
 * How a map's keys and values lie in memory: as its definition types them; what it gives only the size of is bytes.
 * From the definition, for of queues, stacks and some others libbpf forgets the types when it loads them.
 */
export function mapLayouts(btf: Btf, description: MapDescription): Declared {
  const { name } = description;
  return layoutsOf(description, { key: btf.mapPart(name, "key"), value: btf.mapPart(name, "value") });
}

/** The same by what is declared, with what the kernel's types of maps say themselves. */
export function layoutsOf(
  { typeName, keySize, valueSize }: Pick<MapDescription, "typeName" | "keySize" | "valueSize">,
  declared: Declared,
): Declared {
  const key = indexed.test(typeName) && keySize === 4 ? index : untyped(keySize);
  const value = descriptors.test(typeName) && valueSize === 4 ? index : untyped(valueSize);
  return {
    key: typeName === "task_storage" ? index : (declared.key ?? key),
    value: typeName === "stack_trace" ? addresses(valueSize) : (declared.value ?? value),
  };
}

/** Maps whose values are descriptors, ids, or numbers of interfaces and CPUs. */
const descriptors =
  /^(prog|perf_event|cgroup)_array$|^(array|hash)_of_maps$|^(dev|cpu|xsk|sock)map$|^devmap_hash$|^sockhash$|^reuseport_sockarray$/;

/** A stack: its return addresses, zeros behind the last. */
function addresses(size: number): Layout {
  return { kind: "array", size, element: { kind: "int", size: 8, signed: false }, length: size / 8 };
}

function untyped(size: number): Layout | undefined {
  return size > 0 ? { kind: "bytes", size } : undefined;
}
