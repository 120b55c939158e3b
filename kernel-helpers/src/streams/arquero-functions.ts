/**
 * Arquero's aggregate and window functions, where its own are wrong over what our columns hold: BigInts, which it cannot
 * add to numbers, and which stand beside these in one column; ranks of the first of several equal rows; windows that
 * infinities have passed through. They replace arquero's own in this process, by its own means for that.
 */
import { addAggregateFunction, addWindowFunction } from "arquero";

/** What arquero keeps of a column while it is aggregated, with what we add. */
interface State {
  /** Values that are neither null nor NaN. */
  valid: number;
  list: { values(copy?: boolean): unknown[]; quantile(p: number): unknown };
  [name: string]: unknown;
}

const number = (value: unknown) => Number(value); // also of what `+value` refuses: BigInts
const hasBigInt = (values: readonly unknown[]) => values.some((value) => typeof value === "bigint");

/** A sum that is exact as long as its terms are whole, however large, and that infinities leave again. */
interface Sum {
  part: number;
  /** What of the whole terms is beyond the reach of a number. */
  whole: bigint;
  bigints: boolean;
  numbers: boolean;
  /** How many terms are infinite, by their sign. */
  up: number;
  down: number;
}

function addTo(sum: Sum, value: unknown, sign: 1 | -1): void {
  if (typeof value === "bigint") {
    sum.bigints = true;
    sum.whole += sign === 1 ? value : -value;
    return;
  }
  const term = number(value);
  sum.numbers = true;
  if (term === Infinity) sum.up += sign;
  else if (term === -Infinity) sum.down += sign;
  else {
    const next = sum.part + sign * term;
    if (Number.isSafeInteger(next) || !Number.isInteger(term) || !Number.isInteger(sum.part)) sum.part = next;
    else {
      sum.whole += BigInt(sum.part) + BigInt(sign * term);
      sum.part = 0;
    }
  }
}

/** A number for a sum of numbers; of integers beyond 2^53 exact, as a BigInt. */
function sumOf({ part, whole, bigints, numbers, up, down }: Sum): number | bigint {
  if (up > 0 || down > 0) return up > 0 && down > 0 ? NaN : up > 0 ? Infinity : -Infinity;
  if (!bigints || !Number.isInteger(part)) return Number(whole) + part;
  const exact = whole + BigInt(part);
  return numbers && Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function sum() {
  const of = (state: State) => state["total"] as Sum;
  return {
    init: (state: State) =>
      (state["total"] = { part: 0, whole: 0n, bigints: false, numbers: false, up: 0, down: 0 } satisfies Sum),
    add: (state: State, value: unknown) => addTo(of(state), value, 1),
    rem: (state: State, value: unknown) => addTo(of(state), value, -1),
    value: (state: State) => (state.valid > 0 ? sumOf(of(state)) : undefined),
  };
}

/** The functions that reckon with numbers alone: a BigInt is the number nearest to it. */
function mean() {
  type Means = State & { mean: number; mean_d: number };
  return {
    init: (state: Means) => (state.mean = 0),
    add(state: Means, value: unknown) {
      state.mean_d = number(value) - state.mean;
      state.mean += state.mean_d / state.valid;
    },
    rem(state: Means, value: unknown) {
      state.mean_d = number(value) - state.mean;
      state.mean -= state.valid ? state.mean_d / state.valid : state.mean;
    },
    value: (state: Means) => (state.valid > 0 ? state.mean : undefined),
  };
}

function variance() {
  type Spread = State & { mean: number; mean_d: number; dev: number };
  return {
    init: (state: Spread) => (state.dev = 0),
    add: (state: Spread, value: unknown) => (state.dev += state.mean_d * (number(value) - state.mean)),
    rem: (state: Spread, value: unknown) => (state.dev -= state.mean_d * (number(value) - state.mean)),
    value: (state: Spread) => (state.valid > 1 ? state.dev / (state.valid - 1) : undefined),
  };
}

/** Of a population: one value alone has a spread of 0. */
const population = (of: (variance: number) => number) => () => ({
  init: () => undefined,
  add: () => undefined,
  rem: () => undefined,
  value: (state: State) =>
    state.valid > 0 ? of(state.valid > 1 ? (state["dev"] as number) / state.valid : 0) : undefined,
});

function covariance() {
  type Pairs = State & Record<"cov" | "mean_x" | "mean_y" | "dev_x" | "dev_y", number>;
  const step = (state: Pairs, first: unknown, second: unknown, sign: 1 | -1) => {
    const [x, y] = [number(first), number(second)];
    const [dx, dy] = [x - state.mean_x, y - state.mean_y];
    state.mean_x += state.valid ? (sign * dx) / state.valid : -state.mean_x;
    state.mean_y += state.valid ? (sign * dy) / state.valid : -state.mean_y;
    state.dev_x += sign * dx * (x - state.mean_x);
    state.dev_y += sign * dy * (y - state.mean_y);
    state.cov += sign * dx * (y - state.mean_y);
  };
  return {
    init: (state: Pairs) => (state.cov = state.mean_x = state.mean_y = state.dev_x = state.dev_y = 0),
    add: (state: Pairs, x: unknown, y: unknown) => step(state, x, y, 1),
    rem: (state: Pairs, x: unknown, y: unknown) => step(state, x, y, -1),
    value: (state: Pairs) => (state.valid > 1 ? state.cov / (state.valid - 1) : undefined),
  };
}

/** Exact of whole numbers, as sums are. */
function product() {
  return {
    init: (state: State) => (state["values"] = true),
    add: () => undefined,
    rem: () => undefined,
    value(state: State) {
      if (state.valid === 0) return undefined;
      const values = state.list.values();
      if (!hasBigInt(values)) return values.reduce<number>((all, value) => all * number(value), 1);
      if (!values.every((value) => typeof value === "bigint" || Number.isInteger(value)))
        return values.reduce<number>((all, value) => all * number(value), 1);
      return values.reduce<bigint>((all, value) => all * BigInt(value as bigint), 1n);
    },
  };
}

/** Between two values linearly, where one of them may be a BigInt. */
function quantile(p: number) {
  return {
    init: () => undefined,
    add: () => undefined,
    rem: () => undefined,
    value(state: State) {
      const values = state.list.values();
      if (!hasBigInt(values)) return state.list.quantile(p);
      const sorted = values.slice().sort((a, b) => ((a as bigint) < (b as bigint) ? -1 : Number(a !== b)));
      const place = (sorted.length - 1) * Math.min(1, Math.max(0, p));
      const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
      if (below === above) return below;
      return number(below) + (number(above) - number(below)) * (place - Math.floor(place));
    },
  };
}

/** A window, as arquero hands it to its functions. */
interface Window {
  index: number;
  size: number;
  /** Whether a row is equal, by the table's order, to the one before it. */
  peer(index: number): boolean;
  value(index: number, get: unknown): unknown;
}

/** The share of rows that are not behind this one. */
function cumulated() {
  let last = -1;
  return {
    init: () => void (last = -1),
    value({ index, size, peer }: Window) {
      if (last < index) for (last = index; last + 1 < size && peer(last + 1);) last++;
      return (last + 1) / size;
    },
  };
}

function percentRank() {
  let rank = 0;
  return {
    init: () => void (rank = 0),
    value({ index, size, peer }: Window) {
      if (index > 0 && !peer(index)) rank = index;
      return size > 1 ? rank / (size - 1) : 0;
    },
  };
}

function tile(count: number) {
  if (!(count > 0)) throw new Error("ntile num must be greater than zero.");
  const { init, value } = cumulated();
  return { init, value: (window: Window) => Math.ceil(count * value(window)) };
}

/** The value so many rows before or behind, which may be the row itself. */
const neighbour =
  (direction: 1 | -1) =>
  (offset: unknown = 1, otherwise: unknown = undefined) => ({
    init: () => undefined,
    value(window: Window, get: unknown) {
      const at = window.index + direction * Number(offset);
      return at >= 0 && at < window.size ? window.value(at, get) : otherwise;
    },
  });

const override = { override: true };
const aggregates: Record<string, [create: (...params: any[]) => unknown, needs?: object]> = {
  sum: [sum],
  mean: [mean],
  variance: [variance, { req: ["mean"] }],
  variancep: [population((variance) => variance), { req: ["variance"] }],
  stdevp: [population(Math.sqrt), { req: ["variance"] }],
  covariance: [covariance, { param: [2] }],
  product: [product, { stream: ["array_agg"], req: ["array_agg"] }],
  quantile: [quantile, { param: [1, 1], req: ["array_agg"] }],
  median: [() => quantile(0.5), { req: ["array_agg"] }],
};
for (const [name, [create, needs]] of Object.entries(aggregates))
  addAggregateFunction(name, { param: [1], ...needs, create } as never, override);
const windows: Record<string, [create: (...params: any[]) => unknown, param: number[]]> = {
  cume_dist: [cumulated, []],
  percent_rank: [percentRank, []],
  ntile: [tile, [0, 1]],
  lag: [neighbour(-1), [1, 2]],
  lead: [neighbour(1), [1, 2]],
};
for (const [name, [create, param]] of Object.entries(windows))
  addWindowFunction(name, { param, create } as never, override);
