import { fileURLToPath } from "node:url";
import { ArgumentError } from "../base/errors.js";

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
const script = fileURLToPath(new URL("../../src/net/flood.py", import.meta.url));

/** The arguments that make python3 send a flood to a target. @throws ArgumentError when an option is out of range */
export function floodCommand(target: string, { perSecond, seconds, size = 56 }: FloodOptions): string[] {
  const inRange = (value: number, name: string, max: number) => {
    if (!(typeof value === "number" && value > 0 && value <= max))
      throw new ArgumentError(`${name}: expected a number above 0 and up to ${max}, got ${String(value)}.`);
  };
  inRange(perSecond, "perSecond", 1_000_000);
  inRange(seconds, "seconds", 3600);
  if (!(Number.isInteger(size) && size >= 0 && size <= 65507))
    throw new ArgumentError(`size: expected an integer from 0 to 65507, got ${String(size)}.`);
  return [script, target, ...[perSecond, seconds, size].map(String)];
}
