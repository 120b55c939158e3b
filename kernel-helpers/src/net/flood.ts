import { requireInteger, requireNumber } from "../base/arguments.js";
import { fileURLToPath } from "node:url";

/** How to flood. */
export interface FloodOptions {
  /** Echo requests a second, whether they are answered or not; ping waits for replies, and this does not. */
  perSecond: number;
  /** For how long. */
  seconds: number;
  /** 4 (default) or 6. */
  family?: 4 | 6;
  /** Bytes of payload; default 56. */
  size?: number;
}

/** What a flood came to. */
export interface FloodResult {
  /** Echo requests sent: `perSecond` times `seconds`, less on a machine that cannot keep up. */
  sent: number;
  /** Echo replies that came to the host meanwhile, those to its other pings included, by its kernel's own count. */
  received: number;
  /** How long it took. */
  seconds: number;
}

// The sources hold what tsc does not copy; from dist/net as from src/net this is the same path.
const SCRIPT = fileURLToPath(new URL("../../src/net/flood.py", import.meta.url));

/** The arguments that make python3 send a flood to a target. @throws ArgumentError when an option is out of range */
export function floodCommand(target: string, { perSecond, seconds, size = 56 }: FloodOptions): string[] {
  requireNumber("perSecond", perSecond, { above: 0, to: 1_000_000 });
  requireNumber("seconds", seconds, { above: 0, to: 3600 });
  requireInteger("size", size, { from: 0, to: 65507 });
  return [SCRIPT, target, ...[perSecond, seconds, size].map(String)];
}
