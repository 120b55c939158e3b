import assert from "node:assert/strict";
import { test } from "node:test";
import {
  requireBoolean,
  requireInteger,
  requireNumber,
  requireOneOf,
  requirePowerOfTwo,
} from "../../dist/base/arguments.js";
import { ArgumentError } from "../../dist/base/errors.js";

test("what fits is given back", () => {
  assert.equal(requireInteger("peers", 200, { from: 1, to: 200 }), 200);
  assert.equal(requireNumber("seconds", 0.5, { above: 0 }), 0.5);
  assert.equal(requireOneOf("order", "size", ["size", "table"]), "size");
});

test("what does not fit is told in one wording", () => {
  const cases: [() => unknown, string][] = [
    [() => requireInteger("peers", 0, { from: 1, to: 200 }), "peers: expected an integer from 1 to 200, got 0."],
    [() => requireInteger("rows", 1.5, { from: 1 }), "rows: expected an integer of at least 1, got 1.5."],
    [() => requireInteger("rows", 5n, { from: 1 }), "rows: expected an integer of at least 1, got 5."],
    [() => requireNumber("fps", NaN, { above: 0 }), "fps: expected a number above 0, got NaN."],
    [() => requireNumber("fps", "4", { above: 0 }), 'fps: expected a number above 0, got "4".'],
    [() => requireNumber("s", 0, { above: 0, to: 9 }), "s: expected a number above 0 and up to 9, got 0."],
    [() => requireNumber("t", Infinity), "t: expected a number, got Infinity."],
    [() => requireNumber("t", undefined), "t: expected a number, got undefined."],
    [() => requireOneOf("order", "up", ["size", "table"]), 'order: expected "size" or "table", got "up".'],
    [
      () => requireInteger("rows", 2 ** 60, { from: 1 }),
      "rows: expected an integer from 1 to 9007199254740991, got 1152921504606847000.",
    ],
    [() => requireNumber("p", 100, { above: 0, below: 100 }), "p: expected a number between 0 and 100, got 100."],
    [
      () => requirePowerOfTwo("bytes", 4097, { from: 4096 }),
      "bytes: expected a power of two of at least 4096, got 4097.",
    ],
    [
      () => requirePowerOfTwo("bytes", 2048, { from: 4096 }),
      "bytes: expected a power of two of at least 4096, got 2048.",
    ],
    [() => requireBoolean("on", 1), "on: expected true or false, got 1."],
    [() => requireOneOf("mode", 1, ["a", "b", "c"]), 'mode: expected one of "a", "b", "c", got 1.'],
  ];
  for (const [act, message] of cases)
    assert.throws(act, (error) => error instanceof ArgumentError && error.message.startsWith(message), message);
});
