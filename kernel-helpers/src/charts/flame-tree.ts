/** Stacks added up into one tree, and the tree laid out as the boxes of a flame graph. */

/** What was counted of one function, called the same way. */
interface Call {
  readonly name: string;
  value: number;
  /** Of the capture to compare with. */
  base: number;
  readonly calls: Map<string, Call>;
}

/** A box: `x0` to `x1` of the whole width, from 0 to 1. */
export interface FlameBox {
  name: string;
  /** Calls below it; 0 for the box of all. */
  depth: number;
  x0: number;
  x1: number;
  /** Events in it and what it called, and in it alone. */
  value: number;
  self: number;
  base: number;
  /** Events of the box below. */
  parent: number;
}

/** Stacks as text, a count of each and one to compare with. */
export interface Folded {
  stacks: ArrayLike<string>;
  values: ArrayLike<number>;
  base: ArrayLike<number> | undefined;
}

/** Functions from the outermost to the innermost, as `a;b;c` names them. */
const framesOf = (stack: string): string[] =>
  stack
    .replace(/;+$/, "")
    .split(";")
    .map((name) => name.trim() || "[unknown]");

/** Adds up all stacks; what is not a number above 0 counts nothing. */
export function callTree({ stacks, values, base }: Folded): Call {
  const call = (name: string): Call => ({ name, value: 0, base: 0, calls: new Map() });
  const root = call("all");
  const amount = (numbers: ArrayLike<number>, i: number) =>
    numbers[i]! > 0 && numbers[i]! < Infinity ? numbers[i]! : 0;
  for (let i = 0; i < stacks.length; i++) {
    const [value, before] = [amount(values, i), base ? amount(base, i) : 0];
    if (value === 0 && before === 0) continue;
    let at = root;
    at.value += value;
    at.base += before;
    for (const name of framesOf(stacks[i]!)) {
      let next = at.calls.get(name);
      if (!next) at.calls.set(name, (next = call(name)));
      next.value += value;
      next.base += before;
      at = next;
    }
  }
  return root;
}

/**
 * The boxes, those of one row in the order of their names, so that two flame graphs compare. Boxes narrower than
 * `narrowest` of the width, or above `deepest`, are left out with all that they called.
 */
export function flameBoxes(
  root: Call,
  { narrowest, deepest }: { narrowest: number; deepest: number },
): { boxes: FlameBox[]; leftOut: number } {
  const boxes: FlameBox[] = [];
  let leftOut = 0;
  const place = (call: Call, depth: number, start: number, parent: number): void => {
    if (call.value < narrowest * root.value || depth > deepest) {
      leftOut++;
      return;
    }
    let inside = start;
    const box = { name: call.name, depth, x0: start / root.value, x1: (start + call.value) / root.value };
    const calls = [...call.calls.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const self = call.value - calls.reduce((sum, { value }) => sum + value, 0);
    boxes.push({ ...box, value: call.value, self, base: call.base, parent });
    for (const each of calls) {
      place(each, depth + 1, inside, call.value);
      inside += each.value;
    }
  };
  if (root.value > 0) place(root, 0, 0, root.value);
  return { boxes, leftOut };
}
