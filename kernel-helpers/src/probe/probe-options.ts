import { requireInteger, requirePowerOfTwo } from "../base/arguments.js";
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
  requirePowerOfTwo("ringBytes", ringBytes, { from: 4096, to: 2 ** 30 });
  requireInteger("groups", groups, { from: 1, to: 2 ** 24 });
  return { ringBytes, groups, own };
}
