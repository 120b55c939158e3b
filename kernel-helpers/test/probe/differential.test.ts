import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { before, describe, test } from "node:test";
import type { ColumnTable } from "arquero";
import { op, probe, type Probe } from "../../dist/api/index.js";
import { Paused } from "./paused.js";

// Expressions made up at random, computed in the kernel and by arquero from the same calls' arguments.

/** The same numbers at each run. */
class Random {
  #state = 20260101;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const random = new Random();
const numbers = ["0", "1", "2", "3", "7", "10", "100", "255", "4096", "1e6", "-1", "-5"];
const divisors = ["2", "3", "7", "10", "-4", "1000", "-1"];
const fields = ["d.fd", "d.offset", "d.whence"];

/** An integer that is never null, NaN or infinite. */
function integer(depth: number): string {
  if (depth === 0) return random.below(3) > 0 ? random.of(fields) : random.of(numbers);
  const a = integer(depth - 1);
  const b = integer(depth - 1);
  switch (random.below(12)) {
    case 0:
    case 1:
      return `(${a} ${random.of(["+", "-"])} ${b})`;
    case 2:
      return `(${a} * ${random.of(divisors)})`;
    case 3:
      return `Math.${random.of(["floor", "trunc", "ceil", "round"])}(${a} / ${random.of(divisors)})`;
    case 4:
      return `(${a} % ${random.of(divisors)})`;
    case 5:
      return `(${a} ${random.of(["&", "|", "^"])} ${b})`;
    case 6:
      return `(${a} ${random.of(["<<", ">>", ">>>"])} ${random.of(["0", "1", "5", "31"])})`;
    case 7:
      return `${random.of(["-", "+", "~"])}(${a})`;
    case 8:
      return `${random.of(["Math.abs", "Math.sign"])}(${a})`;
    case 9:
      return `Math.${random.of(["min", "max"])}(${a}, ${b})`;
    case 10:
      return `(${condition(depth - 1)} ? ${a} : ${b})`;
    default:
      return `(${a} ${random.of(["||", "&&"])} ${b})`;
  }
}

function condition(depth: number): string {
  const [a, b] = [integer(depth), integer(depth)];
  switch (random.below(5)) {
    case 0:
      return `!(${a})`;
    case 1:
      return depth > 0
        ? `(${condition(depth - 1)} ${random.of(["&&", "||"])} ${condition(depth - 1)})`
        : `(${a} > ${b})`;
    default:
      return `(${a} ${random.of(["<", "<=", ">", ">=", "===", "!==", "==", "!="])} ${b})`;
  }
}

/** Anything that a column may hold: also null, and what a division by zero makes. */
function anything(depth: number): string {
  const value = integer(depth);
  switch (random.below(8)) {
    case 0:
      return condition(depth);
    case 1:
      return `(${condition(depth - 1)} ? ${value} : null)`;
    case 2:
      return `(${condition(depth - 1)} ? null : ${value}) ?? ${integer(1)}`;
    case 3:
      return random.of([
        `${value} % d.whence`,
        `Math.floor(${value} / d.whence)`,
        `Math.trunc(d.whence / d.fd) > ${random.of(numbers)}`,
        `Math.${random.of(["floor", "abs", "sign"])}(${condition(depth - 1)} ? null : ${value})`,
      ]);
    case 4:
      return `(${condition(depth - 1)} ? null : ${value}) ${random.of(["===", "!==", "==", "!="])} ${random.of([...numbers, "null"])}`;
    default:
      return value;
  }
}

const expressions = Array.from({ length: 200 }, () => anything(1 + random.below(3)));
const each = 25;

/** Calls with arguments of all kinds: small, large, negative, 0. */
const workload = `
import ctypes, random
random.seed(7)
libc = ctypes.CDLL(None)
libc.lseek.argtypes = [ctypes.c_uint, ctypes.c_longlong, ctypes.c_uint]
edges = [0, 1, -1, 2, 255, 256, -256, 2**31 - 1, 2**31, -2**31, 2**32, 2**32 - 1, 2**40, -2**40]
for i in range(300):
    offset = edges[i % len(edges)] if i % 3 == 0 else random.randint(-2**random.randint(1, 40), 2**random.randint(1, 40))
    libc.lseek(random.choice([0xffffffff, 0x80000000, 1000000 + i, 1000000]), offset, random.choice([0, 1, 2, 7, 0xffffffff]) if i % 2 else 0x7700 + i % 5)
`;

const sorted = (rows: object[], keys: string[]): Record<string, unknown>[] =>
  (rows as Record<string, unknown>[]).sort((a, b) => (JSON.stringify(a, keys) < JSON.stringify(b, keys) ? -1 : 1));

const plain = (value: unknown) => (value === undefined ? null : Object.is(value, -0) ? 0 : value);

describe("expressions mean in the kernel what they mean in arquero", () => {
  const answers: ColumnTable[] = [];
  const groups: ColumnTable[] = [];
  const sums = {
    n: op.count(),
    a: (d: any) => op.sum(d.offset),
    b: (d: any) => op.mean(d.offset % 1000),
    c: (d: any) => op.min(d.fd - d.offset),
    d: (d: any) => op.max(d.offset > 0 ? d.offset : null),
    e: (d: any) => op.sum(d.offset < 0 && d.whence ? d.whence : null),
    f: (d: any) => op.mean(d.offset > 1 ? d.fd : null),
  };
  const keys: Record<string, (d: any) => unknown>[] = [
    { k: (d: any) => d.whence % 3 },
    { k: (d: any) => d.offset > 0, l: (d: any) => Math.sign(d.offset) },
    { k: (d: any) => (d.offset < 0 ? null : d.offset & 3) },
  ];

  before(async () => {
    using calls = new Paused("/usr/bin/python3", "-c", workload);
    const asked = probe("tp/syscalls/sys_enter_lseek")
      .filter((d, $) => d.pid === $.pid && d.fd >= 1000000)
      .params({ pid: calls.pid });
    const questions: Probe<any>[] = [];
    for (let i = 0; i < expressions.length; i += each)
      questions.push(
        asked.derive(Object.fromEntries(expressions.slice(i, i + each).map((text, j) => [`e${i + j}`, text]))).select(
          ["time_ns", "fd", "offset", "whence"],
          expressions.slice(i, i + each).map((_, j) => `e${i + j}`),
        ),
      );
    const rollups = keys.map((by) => asked.groupby(by).rollup(sums));
    for (const one of rollups) await one.attach();
    // All of them at once: the calls are made once.
    let ready = 0;
    const done = new EventEmitter();
    const run = async () => {
      const all = once(done, "done");
      if (++ready === questions.length) done.emit("done", await calls.run());
      await all;
    };
    try {
      answers.push(...(await Promise.all(questions.map((one) => one.collect({ until: run })))));
      for (const one of rollups) groups.push(await one.table());
    } finally {
      for (const one of rollups) one.close();
    }
  });

  test("200 expressions, of 300 calls each", () => {
    const wrong: string[] = [];
    answers.forEach((answer, i) => {
      assert.equal(answer.numRows(), 300);
      const own = expressions.slice(i * each, (i + 1) * each);
      const theirs = answer.derive(Object.fromEntries(own.map((text, j) => [`a${i * each + j}`, `d => ${text}`])));
      own.forEach((text, j) => {
        const [kernel, arquero] = [`e${i * each + j}`, `a${i * each + j}`].map((name) =>
          (theirs.array(name) as unknown[]).map(plain),
        );
        const row = kernel!.findIndex((value, at) => !Object.is(value, arquero![at]));
        if (row >= 0)
          wrong.push(
            `${text}\n  of ${JSON.stringify(answer.object(row), ["fd", "offset", "whence"])}: ${String(kernel![row])} in the kernel, ${String(arquero![row])} in arquero`,
          );
      });
    });
    assert.equal(wrong.join("\n"), "");
  });

  test("groups and what is added up", () => {
    const rows = answers[0]!.select("fd", "offset", "whence");
    keys.forEach((by, i) => {
      const theirs = rows.groupby(by).rollup(sums);
      const [ours, arqueros] = [groups[i]!, theirs].map((table) => sorted(table.objects(), Object.keys(by)));
      assert.equal(ours!.length, arqueros!.length);
      ours!.forEach((row, at) => {
        for (const [name, value] of Object.entries(row)) {
          const other = plain(arqueros![at]![name]);
          // A mean of arquero's is rounded at each step.
          const close =
            typeof value === "number" && typeof other === "number" && Math.abs(value - other) <= 1e-9 * Math.abs(other);
          assert.ok(
            close || Object.is(plain(value), other),
            `${name} of ${JSON.stringify(row)}: ${String(other)} in arquero`,
          );
        }
      });
    });
  });
});
