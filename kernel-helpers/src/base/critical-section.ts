/**
 * Work that an interrupt of a notebook's cell must not cut off in the middle: V8's termination runs no `finally`, and
 * leaves half of it behind. Outside of a notebook there is no such interrupt.
 */
let depth = 0;

/** Does the work first; an interrupt comes after it. */
export function criticalSection<Result>(work: () => Result): Result {
  depth++;
  try {
    return work();
  } finally {
    depth--;
  }
}

/** Forgets work that was cut off all the same. Only where nothing protected can be under way: at the bottom of the stack. */
export function leaveCriticalSections(): void {
  depth = 0;
}

export function inCriticalSection(): boolean {
  return depth > 0;
}
