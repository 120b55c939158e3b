import { ArgumentError } from "../base/errors.js";
import type { Sizes } from "./program/generate.js";

/** Settings of a probe that its question does not have. */
export interface ProbeOptions {
  /** Bytes of the ring buffer that events go through: a power of two, 16 MiB unless it says so. */
  ringBytes?: number;
  /** Most groups of a rollup; 4096 unless it says so. What finds no room is counted as lost. */
  groups?: number;
  /** True to observe this process too; it is left out otherwise. */
  own?: boolean;
}

/** @throws ArgumentError for what is out of range */
export function sizesOf({ ringBytes = 16 * 2 ** 20, groups = 4096, own = false }: ProbeOptions): Sizes {
  if (!Number.isInteger(ringBytes) || ringBytes < 4096 || (ringBytes & (ringBytes - 1)) !== 0)
    throw new ArgumentError(`ringBytes: expected a power of two of at least 4096, got ${String(ringBytes)}.`);
  if (!Number.isInteger(groups) || groups < 1 || groups > 2 ** 24)
    throw new ArgumentError(`groups: expected a positive integer, got ${String(groups)}.`);
  return { ringBytes, groups, own };
}
