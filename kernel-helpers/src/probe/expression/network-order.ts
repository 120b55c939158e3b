import type { Type } from "../value-types.js";

type Int = Type & { kind: "int" };

/** The number that lies there, as the machine counts: what travels with its highest byte first is turned round. */
export function readNumber(scope: { include(header: string): void }, { networkOrder }: Int, code: string): string {
  if (!networkOrder) return code;
  scope.include("bpf/bpf_endian.h");
  return `${networkOrder === 16 ? "bpf_ntohs" : "bpf_be64_to_cpu"}(${code})`;
}

/** The type of a number that has been read. */
export function hostOrder({ kind, low, high }: Int): Int {
  return { kind, low, high };
}
