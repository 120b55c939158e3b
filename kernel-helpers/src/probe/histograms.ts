import type { Bounds } from "./program/rollup.js";

// A column of counts does not say where its slots lie; what made it does.
const bounds = new WeakMap<object, Bounds>();

/** Remembers the bounds of a linear histogram's column. */
export function rememberBounds(column: object, of: Bounds): void {
  bounds.set(column, of);
}

/** The bounds of a column that a linear histogram made. */
export function boundsOf(column: object): Bounds | undefined {
  return bounds.get(column);
}
