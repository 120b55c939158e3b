/**
 * What the debugger, in the wire's thread, asks of the main thread through the inspector; also while that stands at a
 * breakpoint.
 */

/** A place in what the user wrote, counted from 1. */
export interface Place {
  line: number;
  column: number;
}

export interface DebugAccess {
  /** The path of the cell or the module that a script was made from; null for what is not the user's. */
  path(url: string): string | null;
  /** Places in a script, counted from 0, as places in its source; null for what is the kernel's own. */
  places(url: string, positions: readonly (readonly [line: number, column: number])[]): (Place | null)[];
  /** The object that holds the values of a cell's names. */
  scope(home: number): object;
  /** The notebook's variables, by name. */
  variables(): object;
  /** An expression in the words of a cell as code that runs in a frame with these names of its own. */
  expression(source: string, locals: readonly string[]): string;
  /** What a notebook shows of a value. */
  describe(value: unknown): Promise<object>;
}

const NAME = "bpflab.debug";

/** Makes the main thread answer. */
export function offerDebugAccess(access: DebugAccess): void {
  Object.defineProperty(globalThis, Symbol.for(NAME), { value: access });
}

/** The expression that asks it. */
export function callOf(name: keyof DebugAccess, ...args: unknown[]): string {
  return `globalThis[Symbol.for("${NAME}")].${name}(${args.map((one) => JSON.stringify(one)).join(", ")})`;
}
