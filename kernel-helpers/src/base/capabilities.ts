import { readFileSync } from "node:fs";

/** Their numbers in capabilities(7). */
const numbers = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

export type Capability = keyof typeof numbers;

/** Until Linux 5.8 these were a part of CAP_SYS_ADMIN, and who has that needs neither. */
const ofAdmin: readonly Capability[] = ["CAP_BPF", "CAP_PERFMON"];

/** Those of these that this process does not have; root usually has all of them, in a container perhaps not. */
export function lacking(...names: Capability[]): Capability[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  if (effective === undefined) return [];
  const has = (name: Capability) => ((BigInt(`0x${effective}`) >> BigInt(numbers[name])) & 1n) === 1n;
  return names.filter((name) => !has(name) && !(ofAdmin.includes(name) && has("CAP_SYS_ADMIN")));
}
