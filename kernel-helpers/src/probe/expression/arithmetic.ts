import { cTypeOf, isWide, ranged, type Type } from "../value-types.js";
import type { Special, Value } from "./value.js";

/** A value whose type is a number. */
export type Num = Value & { type: Type & { kind: "int" } };

/** A number known when compiling. */
export function literal(value: bigint): Num {
  const code =
    value === -(1n << 63n)
      ? "(-9223372036854775807LL - 1)"
      : `${value < 0n ? `(${value}` : value}${value > (1n << 63n) - 1n ? "ULL" : value > 2147483647n || value < -2147483648n ? "LL" : ""}${value < 0n ? ")" : ""}`;
  return { type: { kind: "int", low: value, high: value }, code, constant: value };
}

/** The number in C as the type that a result needs. */
function as(value: Num, c: "__s64" | "__u64"): string {
  if (value.constant !== undefined && value.constant >= 0n) return value.code;
  return cTypeOf(value.type) === c ? value.code : `(${c})${value.code}`;
}

const min = (...values: bigint[]) => values.reduce((a, b) => (b < a ? b : a));
const max = (...values: bigint[]) => values.reduce((a, b) => (b > a ? b : a));

function known(value: bigint | undefined, type: Type & { kind: "int" }, code: string): Num {
  if (value === undefined || value < type.low || value > type.high) return { type, code };
  return literal(value);
}

/** `+`, `-` or `*`, in 64 bits. */
export function arithmetic(operator: "+" | "-" | "*", a: Num, b: Num): Num {
  const ends = [a.type.low, a.type.high].flatMap((x) =>
    [b.type.low, b.type.high].map((y) => (operator === "+" ? x + y : operator === "-" ? x - y : x * y)),
  );
  const type = ranged(min(...ends), max(...ends));
  const c = cTypeOf(type);
  const value = a.constant === undefined || b.constant === undefined ? undefined : ends[0];
  return known(value, type, `(${as(a, c)} ${operator} ${as(b, c)})`);
}

/** How a quotient becomes an integer. */
export type Rounding = "floor" | "trunc" | "ceil" | "round";

/** True when a divisor can be zero as far as its range says. */
export function mayBeZero({ type }: Num): boolean {
  return type.low <= 0n && type.high >= 0n;
}

/** What a division by zero makes: Infinity with the dividend's sign, or NaN. */
export function divisionByZero(a: Num, b: Num): Special {
  return {
    code: `(${b.code} ? 0 : !${a.code} ? 2 : ${isWide(a.type) || a.type.low >= 0n ? "3" : `${a.code} > 0 ? 3 : 4`})`,
    infinite: true,
  };
}

/** a / b, rounded. By 0 it is 0: what it really is, `divisionByZero` says. */
export function division(a: Num, b: Num, how: Rounding): Num {
  const bounds = [b.type.low, b.type.high, -1n, 1n].filter((y) => y !== 0n && y >= b.type.low && y <= b.type.high);
  const ends = [
    0n,
    ...bounds.flatMap((y) => [a.type.low, a.type.high].flatMap((x) => [x / y - 1n, x / y, x / y + 1n])),
  ];
  const signed = a.type.low < 0n || b.type.low < 0n;
  if (signed || how === "ceil" || how === "round") {
    const wide = !signed && (isWide(a.type) || isWide(b.type));
    const type = ranged(min(...ends), max(...ends));
    if (!wide) return { type, code: `${how}_div(${as(a, "__s64")}, ${as(b, "__s64")})` };
  }
  const type = ranged(0n, a.type.high);
  const whole = `(__u64)${a.code} / (__u64)${b.code}`;
  const quotient: Num = { type, code: mayBeZero(b) ? `(${b.code} ? ${whole} : 0)` : `(${whole})` };
  const value: Num = isWide(type) ? quotient : { type, code: `((__s64)${quotient.code})` };
  if (how === "floor" || how === "trunc") return value;
  const rest = `((__u64)${a.code} % (__u64)${b.code})`;
  const up = how === "ceil" ? `(${rest} != 0)` : `(${rest} >= (__u64)${b.code} - ${rest})`;
  return { type: ranged(0n, a.type.high + 1n), code: `(${b.code} ? ${value.code} + ${up} : 0)` };
}

/** a % b with the dividend's sign, as JavaScript has it. */
export function remainder(a: Num, b: Num): Num {
  const most = max(b.type.high < 0n ? -b.type.high : b.type.high, b.type.low < 0n ? -b.type.low : b.type.low, 1n) - 1n;
  const type = ranged(a.type.low < 0n ? max(a.type.low, -most) : 0n, a.type.high > 0n ? min(a.type.high, most) : 0n);
  if (a.type.low >= 0n && b.type.low >= 0n) {
    // In C x % 0 is the machine's business; the verifier makes it x, and here it has to be 0.
    const rest = `((__u64)${a.code} % (__u64)${b.code})`;
    return { type, code: mayBeZero(b) ? `(${b.code} ? ${rest} : 0)` : isWide(type) ? rest : `((__s64)${rest})` };
  }
  return { type, code: `remainder_of(${as(a, "__s64")}, ${as(b, "__s64")})` };
}

/** `&`, `|`, `^`, `<<`, `>>` and `>>>` on 32 bits, as JavaScript has them. */
export function bitwise(operator: string, a: Num, b: Num): Num {
  const [x, y] = [bits(a), bits(b)];
  const small = (n: Num) => n.type.low >= 0n && n.type.high < 1n << 31n;
  switch (operator) {
    case ">>>": {
      const type = ranged(0n, (1n << 32n) - 1n);
      return { type, code: `((__s64)(${x} >> (${y} & 31)))` };
    }
    case ">>":
      return { type: ranged(-(1n << 31n), (1n << 31n) - 1n), code: `((__s64)((__s32)${x} >> (${y} & 31)))` };
    case "<<":
      return { type: ranged(-(1n << 31n), (1n << 31n) - 1n), code: `((__s64)(__s32)(${x} << (${y} & 31)))` };
    case "&": {
      const bound = [a, b].filter(small).map((n) => n.type.high);
      if (bound.length > 0) return { type: ranged(0n, min(...bound)), code: `((__s64)(${x} & ${y}))` };
      break;
    }
    default:
      if (small(a) && small(b))
        return { type: ranged(0n, (1n << 31n) - 1n), code: `(${a.code} ${operator} ${b.code})` };
  }
  return { type: ranged(-(1n << 31n), (1n << 31n) - 1n), code: `((__s64)(__s32)(${x} ${operator} ${y}))` };
}

function bits({ constant, code }: Num): string {
  return constant === undefined ? `(__u32)${code}` : `${BigInt.asUintN(32, constant)}U`;
}

/** A comparison that is right whatever the signs: C would make -1 the largest of all. */
export function comparison(operator: "<" | "<=" | ">" | ">=" | "==" | "!=", a: Num, b: Num): string {
  if (!isWide(a.type) && !isWide(b.type)) return `(${a.code} ${operator} ${b.code})`;
  if (a.type.low >= 0n && b.type.low >= 0n) return `(${as(a, "__u64")} ${operator} ${as(b, "__u64")})`;
  const flipped = { "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=" } as const;
  if (!isWide(a.type)) return comparison(flipped[operator], b, a);
  // a can be beyond what is signed, and b below 0.
  const wide = `${a.code} ${operator} (__u64)${b.code}`;
  return operator === ">" || operator === ">=" || operator === "!="
    ? `(${b.code} < 0 || ${wide})`
    : `(${b.code} >= 0 && ${wide})`;
}

/** -a */
export function negated(a: Num): Num {
  return arithmetic("-", literal(0n), a);
}

/** The smaller or the larger of two. */
export function extreme(which: "min" | "max", a: Num, b: Num): Num {
  const pick = which === "min" ? min : max;
  const type = ranged(pick(a.type.low, b.type.low), pick(a.type.high, b.type.high));
  const c = cTypeOf(type);
  return { type, code: `(${comparison(which === "min" ? "<" : ">", a, b)} ? ${as(a, c)} : ${as(b, c)})` };
}

/** One of two, as one type. */
export function choice(test: string, a: Num, b: Num): Num {
  const type = ranged(min(a.type.low, b.type.low), max(a.type.high, b.type.high));
  const c = cTypeOf(type);
  return { type, code: `(${test} ? ${as(a, c)} : ${as(b, c)})` };
}
