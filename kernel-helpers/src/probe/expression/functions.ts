import type { CallExpression, Expression } from "acorn";
import { address4 } from "../addresses.js";
import { nameOfType, type Type } from "../value-types.js";
import type { ExpressionCompiler } from "./expression-compiler.js";
import { textValue } from "./value.js";
import { errorNames, systemCallNames } from "./integer-names.js";
import { choice, extreme, negated, type Num, type Rounding } from "./arithmetic.js";
import { plain } from "./conditional.js";
import { matches } from "./c-strings.js";
import { insteadOf } from "./instead.js";
import { quotient } from "./operators.js";
import { textOf } from "./parse.js";
import type { TextSource, Value } from "./value.js";

/** Most bytes that op.str() reads of a text, and what it reads without being told. */
const MOST_TEXT = 4096;
const USUAL_TEXT = 128;

type Compile = (compiler: ExpressionCompiler, args: Expression[], node: CallExpression) => Value;

const rounding =
  (how: Rounding): Compile =>
  (compiler, [argument], node) => {
    if (!argument) return compiler.refuse(node, "a number is missing", `Write Math.${how}(a / b).`);
    let inner = argument;
    while (inner.type === "ParenthesizedExpression") inner = inner.expression;
    return inner.type === "BinaryExpression" && inner.operator === "/"
      ? quotient(compiler, inner, how)
      : integerOf(compiler, argument);
  };

function integerOf(compiler: ExpressionCompiler, node: Expression): Num {
  const value = compiler.value(node);
  if (value.special?.infinite)
    return compiler.refuse(node, "the divisor may be 0 here", "Say what to do then: b === 0 ? 0 : Math.floor(a / b).");
  return compiler.number(value.special ? plain(value) : value, node); // of null it is 0, as everywhere
}

const extremes =
  (which: "min" | "max"): Compile =>
  (compiler, args, node) => {
    if (args.length === 0) return compiler.refuse(node, "the numbers are missing", `Write Math.${which}(a, b).`);
    return args.map((arg) => integerOf(compiler, arg)).reduce((a, b) => extreme(which, a, b));
  };

const named =
  (names: typeof systemCallNames): Compile =>
  (compiler, [argument], node) => {
    if (!argument) return compiler.refuse(node, "a number is missing", "Write op.syscall(d.id).");
    const { code } = integerOf(compiler, argument);
    return { type: { kind: "named", names: names(), size: 4, signed: true }, code };
  };

const functions: Record<string, Compile> = {
  floor: rounding("floor"),
  trunc: rounding("trunc"),
  ceil: rounding("ceil"),
  round: rounding("round"),
  abs(compiler, [argument], node) {
    if (!argument) return compiler.refuse(node, "a number is missing", "Write Math.abs(d.ret).");
    const value = integerOf(compiler, argument);
    if (value.type.low >= 0n) return value;
    const { type, code } = choice(`(${value.code} < 0)`, negated(value), value);
    return { type: { ...type, low: 0n }, code };
  },
  sign(compiler, [argument], node) {
    if (!argument) return compiler.refuse(node, "a number is missing", "Write Math.sign(d.ret).");
    const { type, code } = integerOf(compiler, argument);
    if (type.low >= 0n) return { type: { kind: "int", low: 0n, high: 1n }, code: `((__s64)(${code} > 0))` };
    return { type: { kind: "int", low: -1n, high: 1n }, code: `((${code} > 0) - (__s64)(${code} < 0))` };
  },
  least: extremes("min"),
  greatest: extremes("max"),
  str(compiler, [pointer, most], node) {
    if (!pointer) return compiler.refuse(node, "what to read is missing", "Write op.str(d.filename).");
    return text(compiler, pointer, most);
  },
  startswith(compiler, [argument, prefix, position], node) {
    const wanted = prefix && compiler.value(prefix).text;
    const source = argument && compiler.value(argument).text;
    if (!source || wanted?.from !== "literal" || position)
      return compiler.refuse(
        node,
        "it takes text and a text in quotes",
        'Write op.startswith(op.str(d.filename), "/etc/").',
      );
    return { type: { kind: "bool" }, code: matches(source, wanted.value, "prefix") };
  },
  equal(compiler, [a, b], node) {
    if (!a || !b) return compiler.refuse(node, "it takes two values", "Write op.equal(a, b).");
    return compiler.value({
      type: "BinaryExpression",
      operator: "===",
      left: a,
      right: b,
      start: node.start,
      end: node.end,
    });
  },
  ip4(compiler, [argument], node) {
    const value = argument && compiler.value(argument);
    if (value?.type.kind === "array" && value.type.length === 4 && value.type.elementSize === 1) {
      const code = value.place ? "" : `*(__u32 *)${value.code}`;
      if (code) return { type: address4, code: compiler.scope.local("address", "const __s64", code) };
    }
    if (value?.type === address4) return value;
    if (!argument || value?.type.kind !== "int")
      return compiler.refuse(
        node,
        "it takes an IPv4 address as the network has it: 4 bytes, or a __be32",
        "Write op.ip4(d.saddr).",
      );
    return { type: address4, code: value.code };
  },
  ip6(compiler, [argument], node) {
    const value = argument && compiler.value(argument);
    if (value?.type.kind === "address6") return value;
    if (value?.type.kind === "array" && value.type.length === 16 && value.type.elementSize === 1 && !value.place)
      return { type: { kind: "address6" }, code: value.code };
    return compiler.refuse(
      node,
      "it takes an IPv6 address: 16 bytes, or a struct in6_addr",
      "Write op.ip6(d.saddr_v6).",
    );
  },
  syscall: named(systemCallNames),
  errno(compiler, [argument], node) {
    if (!argument) return compiler.refuse(node, "a number is missing", "Write op.errno(d.ret).");
    const value = integerOf(compiler, argument);
    const isError = `(${value.code} < 0 && ${value.code} >= -4095)`;
    if (value.type.low >= 0n)
      return compiler.refuse(
        argument,
        "this is never negative, and so never an error",
        "Errors are negative results, such as d.ret of a system call.",
      );
    const type: Type = { kind: "named", names: errorNames(), size: 4, signed: true };
    return { type, code: `(${isError} ? -${value.code} : 0)`, special: { code: `!${isError}`, infinite: false } };
  },
  code(compiler, [argument], node) {
    const value = argument && compiler.value(argument);
    if (value?.type.kind !== "named")
      return compiler.refuse(node, "it takes what has a name, such as an enum", "Write op.code(d.type).");
    const { size, signed } = value.type;
    const bits = BigInt(size * 8);
    return {
      type: {
        kind: "int",
        low: signed ? -(1n << (bits - 1n)) : 0n,
        high: signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n,
      },
      code: value.code,
      ...(value.special ? { special: value.special } : {}),
    };
  },
  is_nan(compiler, [argument], node) {
    if (!argument) return compiler.refuse(node, "a value is missing", "Write op.is_nan(a % b).");
    const { special } = compiler.value(argument);
    return { type: { kind: "bool" }, code: special?.infinite ? `(${special.code} == 2)` : "false" };
  },
};

function text(compiler: ExpressionCompiler, pointer: Expression, most: Expression | undefined): Value {
  const size = most ? compiler.value(most).constant : BigInt(USUAL_TEXT);
  if (size === undefined || size < 2n || size > BigInt(MOST_TEXT))
    return compiler.refuse(
      most!,
      "the number of bytes to read must be a constant",
      `Write a number from 2 to ${MOST_TEXT}: op.str(d.filename, 256).`,
    );
  const value = compiler.value(pointer);
  if (value.text)
    return value.text.from === "literal" ? value : textValue(resized(value.text, Number(size), most !== undefined));
  if (value.type.kind === "int") {
    const from = compiler.scope.userPointers ? "user" : "kernel";
    return textValue({ from, code: value.code, size: Number(size) });
  }
  if (value.type.kind !== "pointer")
    return compiler.refuse(
      pointer,
      `${nameOfType(value.type)} is not a pointer to text`,
      "op.str() takes a pointer such as d.filename.",
    );
  return textValue({ from: value.type.user ? "user" : "kernel", code: value.code, size: Number(size) });
}

function resized(source: TextSource, size: number, asked: boolean): TextSource {
  return asked && (source.from === "kernel" || source.from === "user") ? { ...source, size } : source;
}

/** What a call comes to. @throws ArgumentError for a function that the kernel does not have; it names the nearest */
export function call(compiler: ExpressionCompiler, node: CallExpression): Value {
  const name = functionName(node.callee);
  if (name === undefined || !Object.hasOwn(functions, name))
    return compiler.refuse(
      node,
      `the kernel has no function ${textOf(compiler.parsed, node.callee)}`,
      insteadOf(node, Object.keys(functions)),
    );
  const spread = node.arguments.find((argument) => argument.type === "SpreadElement");
  if (spread)
    return compiler.refuse(spread, "an expression has no place for a list", "Write the arguments one by one.");
  return functions[name]!(compiler, node.arguments as Expression[], node);
}

/** `f` of `f()`, `op.f()` and `Math.f()`; op's min and max are aggregates, Math's are of their arguments. */
function functionName(callee: CallExpression["callee"]): string | undefined {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression" || callee.computed || callee.property.type !== "Identifier") return undefined;
  const { name } = callee.property;
  const { object } = callee;
  if (object.type === "Identifier" && object.name === "Math") return ofMath[name];
  const isOp =
    (object.type === "Identifier" && object.name === "op") ||
    (object.type === "MemberExpression" && object.property.type === "Identifier" && object.property.name === "op");
  return isOp ? name : undefined;
}

/** JavaScript's own functions, as arquero calls them. */
const ofMath: Record<string, string | undefined> = {
  ...Object.fromEntries(["floor", "trunc", "ceil", "round", "abs", "sign"].map((name) => [name, name])),
  min: "least",
  max: "greatest",
};
