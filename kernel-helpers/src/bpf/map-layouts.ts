import type { MapDescription } from "../base/native.js";
import type { Btf, Layout } from "./btf.js";

const index: Layout = { kind: "int", size: 4, signed: false };

/** Maps whose key is an index by the kernel's definition, whether or not the program says so. */
const indexed =
  /^(percpu_|prog_|perf_event_|cgroup_)?array$|^array_of_maps$|^(dev|cpu|xsk|sock)map$|^reuseport_sockarray$/;

/**
 * How a map's keys and values lie in memory: as its definition types them; what it gives only the size of is bytes.
 * From the definition, for of queues, stacks and some others libbpf forgets the types when it loads them.
 */
export function mapLayouts(
  btf: Btf,
  { name, typeName, keySize, valueSize }: MapDescription,
): { key: Layout | undefined; value: Layout | undefined } {
  const key = indexed.test(typeName) && keySize === 4 ? index : untyped(keySize);
  return { key: btf.mapPart(name, "key") ?? key, value: btf.mapPart(name, "value") ?? untyped(valueSize) };
}

function untyped(size: number): Layout | undefined {
  return size > 0 ? { kind: "bytes", size } : undefined;
}
