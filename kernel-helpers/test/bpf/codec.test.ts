import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Field, Layout } from "../../dist/bpf/btf.js";
import { decode, encode, viewOf } from "../../dist/bpf/codec.js";
import { ArgumentError } from "../../dist/base/errors.js";

const int = (bits: 8 | 16 | 32 | 64, signed = false): Layout => ({ kind: "int", size: bits / 8, signed });
const text = (size: number): Layout => ({ kind: "text", size });
const array = (element: Layout, length: number): Layout => ({
  kind: "array",
  size: element.size * length,
  element,
  length,
});
const struct = (size: number, fields: Field[]): Layout => ({ kind: "struct", size, name: "s", fields });
const color: Layout = {
  kind: "enum",
  size: 4,
  signed: true,
  name: "color",
  values: [
    { name: "RED", value: 1 },
    { name: "BLUE", value: -5 },
  ],
};
const large: Layout = {
  kind: "enum",
  size: 8,
  signed: false,
  name: "large",
  values: [{ name: "TOP", value: 2 ** 40 }],
};
const boolean: Layout = { kind: "bool", size: 1 };

const bytes = (layout: Layout, value: unknown) => [...encode(layout, value, "x")];
const roundTrip = (layout: Layout, value: unknown) => decode(layout, viewOf(encode(layout, value, "x")));
const refused = (layout: Layout, value: unknown, message: string) =>
  assert.throws(
    () => encode(layout, value, "m value"),
    (e: Error) => e instanceof ArgumentError && e.message === message,
    message,
  );

describe("values keep what they are through bytes", () => {
  test("integers of every size, at the ends of their range", () => {
    for (const bits of [8, 16, 32] as const) {
      for (const value of [0, 1, 2 ** bits - 1]) assert.equal(roundTrip(int(bits), value), value);
      for (const value of [-(2 ** (bits - 1)), -1, 2 ** (bits - 1) - 1])
        assert.equal(roundTrip(int(bits, true), value), value);
    }
    for (const value of [0, Number.MAX_SAFE_INTEGER]) assert.equal(roundTrip(int(64), value), value);
    for (const value of [Number.MIN_SAFE_INTEGER, -1]) assert.equal(roundTrip(int(64, true), value), value);
    assert.deepEqual(bytes(int(64), 2n ** 64n - 1n), Array(8).fill(255), "exact as a BigInt");
    for (const value of [2n ** 53n + 1n, 2n ** 64n - 1n]) assert.equal(roundTrip(int(64), value), value, "as a BigInt");
    assert.equal(roundTrip(int(64, true), -(2n ** 63n)), -(2n ** 63n));
    assert.equal(roundTrip(int(64), 2 ** 53), 2 ** 53);
    assert.deepEqual(bytes(int(32), 0x01020304), [4, 3, 2, 1]);
  });

  test("floats, booleans, pointers", () => {
    assert.equal(roundTrip({ kind: "float", size: 8 }, Math.PI), Math.PI);
    assert.equal(roundTrip({ kind: "float", size: 4 }, 1.5), 1.5);
    assert.equal(roundTrip({ kind: "float", size: 8 }, -Infinity), -Infinity);
    for (const value of [true, false]) assert.equal(roundTrip(boolean, value), value);
    assert.equal(decode(boolean, viewOf(Buffer.of(7))), true);
    assert.equal(roundTrip({ kind: "pointer", size: 8 }, 4096), 4096);
  });

  test("enums by label; values without one by their number", () => {
    for (const value of ["RED", "BLUE", "7", "-7"]) assert.equal(roundTrip(color, value), value);
    assert.equal(roundTrip(color, 1), "RED");
    assert.equal(roundTrip(color, -7), "-7");
    assert.deepEqual(bytes(color, "BLUE"), [0xfb, 0xff, 0xff, 0xff]);
    assert.equal(roundTrip(large, "TOP"), "TOP");
  });

  test("integers of 16 bytes", () => {
    const wide = (signed: boolean): Layout => ({ kind: "int", size: 16, signed });
    for (const value of [0, 7, 2n ** 64n, 2n ** 128n - 1n]) assert.equal(roundTrip(wide(false), value), value);
    for (const value of [-1, -(2n ** 127n), 2n ** 127n - 1n]) assert.equal(roundTrip(wide(true), value), value);
    assert.deepEqual(bytes(wide(false), 2n ** 64n + 2n), [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    refused(wide(false), -1, `m value: expected an integer from 0 to ${2n ** 128n - 1n}, got -1.`);
  });

  test("network byte order, and bytes without a type", () => {
    const port: Layout = { kind: "int", size: 2, signed: false, bigEndian: true };
    assert.deepEqual(bytes(port, 443), [1, 187]);
    assert.equal(roundTrip(port, 443), 443);
    assert.deepEqual(roundTrip({ kind: "bytes", size: 3 }, Uint8Array.of(1, 0, 255)), Uint8Array.of(1, 0, 255));
    assert.throws(
      () => encode({ kind: "bytes", size: 3 }, Uint8Array.of(1), "m key"),
      /m key: expected a Uint8Array of 3 bytes/,
    );
  });

  test("text to the last byte", () => {
    for (const value of ["", "a", "abcd", "grü", "<b>", "\ufeffx"]) assert.equal(roundTrip(text(4), value), value);
    assert.deepEqual(bytes(text(4), "ab"), [97, 98, 0, 0]);
    assert.equal(decode(text(4), viewOf(Buffer.from("a\0\0\0"))), "a");
  });

  test("text that goes on behind a NUL, or is no UTF-8, keeps its bytes", () => {
    assert.equal(decode(text(8), viewOf(Buffer.from("ls\0-l\0\0\0"))), "ls\0-l");
    assert.equal(decode(text(3), viewOf(Buffer.of(97, 0xff, 98))), "a\udcffb");
    const odd = [
      Buffer.of(97, 0xff, 98),
      Buffer.of(0, 97, 0, 98),
      Buffer.of(0xc3, 0xbc, 0xc3),
      Buffer.of(0xed, 0xa0, 0x80, 97),
      Buffer.of(0xf0, 0x9f, 0x98, 0x80, 0x80),
      Buffer.from(Array.from({ length: 256 }, (_, i) => 255 - i)),
    ];
    for (const raw of odd) {
      const layout = text(raw.length);
      assert.deepEqual(Buffer.from(encode(layout, decode(layout, viewOf(raw)), "x")), raw);
    }
  });

  test("arrays of scalars, of text, of arrays, of structs", () => {
    assert.deepEqual(roundTrip(array(int(16, true), 3), [-1, 0, 32767]), [-1, 0, 32767]);
    assert.deepEqual(roundTrip(array(text(4), 2), ["full", "x"]), ["full", "x"]);
    assert.deepEqual(
      roundTrip(array(array(int(8), 2), 2), [
        [1, 2],
        [3, 4],
      ]),
      [
        [1, 2],
        [3, 4],
      ],
    );
    const point = struct(2, [
      { name: "x", offset: 0, layout: int(8) },
      { name: "y", offset: 1, layout: int(8) },
    ]);
    assert.deepEqual(
      roundTrip(array(point, 2), [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ]),
      [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
    );
  });

  test("nested structs; what is left out is zero, and so are holes", () => {
    const inner = struct(8, [
      { name: "flag", offset: 0, layout: boolean },
      { name: "count", offset: 4, layout: int(32) },
    ]);
    const outer = struct(24, [
      { name: "id", offset: 0, layout: int(64) },
      { name: "in", offset: 8, layout: inner },
      { name: "name", offset: 16, layout: text(8) },
    ]);
    const value = { id: 7, in: { flag: true, count: 9 }, name: "n" };
    assert.deepEqual(roundTrip(outer, value), value);
    assert.deepEqual(roundTrip(outer, { in: { count: 9 } }), { id: 0, in: { flag: false, count: 9 }, name: "" });
    assert.deepEqual(bytes(outer, {}), Array(24).fill(0));
  });

  test("addresses as text", () => {
    const v4: Layout = { kind: "address", size: 4 };
    assert.deepEqual(bytes(v4, "198.18.0.2"), [198, 18, 0, 2]);
    assert.equal(roundTrip(v4, "198.18.0.2"), "198.18.0.2");
    assert.throws(() => encode(v4, "2001:db8::2", "m key"), /m key: expected an IPv4 address/);
    const address: Layout = { kind: "address", size: 16 };
    for (const value of ["198.18.0.2", "2001:db8::2", "::"]) assert.equal(roundTrip(address, value), value);
    assert.throws(
      () => encode(address, "198.18.0", "m key"),
      (e: Error) => e instanceof ArgumentError && /^m key: expected an IPv4 or IPv6 address/.test(e.message),
    );
  });

  test("a value at an offset of a larger view", () => {
    const memory = Buffer.concat([Buffer.of(1, 2, 3), encode(int(32), 77, "x"), Buffer.of(9)]);
    assert.equal(decode(int(32), viewOf(memory), 3), 77);
    assert.equal(decode(text(2), viewOf(memory.subarray(7 - 4)), 0), "M");
  });
});

describe("bit fields", () => {
  const bits = (name: string, at: number, size: number, layout: Layout): Field => ({
    name,
    offset: Math.floor(at / 8),
    bits: { offset: at % 8, size },
    layout,
  });
  const packed = struct(12, [
    bits("low", 0, 3, int(32)),
    bits("across", 3, 29, int(32)),
    bits("negative", 32, 5, int(32, true)),
    bits("flag", 37, 1, boolean),
    bits("color", 38, 4, color),
    bits("wide", 42, 50, int(64)),
  ]);

  test("keep their values, and each other's", () => {
    const value = { low: 5, across: 2 ** 29 - 1, negative: -16, flag: true, color: "BLUE", wide: 2 ** 50 - 1 };
    assert.deepEqual(roundTrip(packed, value), value);
    for (const name of Object.keys(value) as (keyof typeof value)[]) {
      const alone = roundTrip(packed, { [name]: value[name] }) as typeof value;
      assert.deepEqual(alone, {
        low: 0,
        across: 0,
        negative: 0,
        flag: false,
        color: "0",
        wide: 0,
        [name]: value[name],
      });
    }
    assert.deepEqual(
      bytes(packed, { low: 5, across: 1 }).slice(0, 4),
      [0b1101, 0, 0, 0],
      "as gcc and clang lay them out",
    );
  });

  test("refuse what does not fit", () => {
    refused(packed, { low: 8 }, "m value.low: expected an integer from 0 to 7, got 8.");
    refused(packed, { negative: 16 }, "m value.negative: expected an integer from -16 to 15, got 16.");
    refused(
      packed,
      { wide: 2 ** 50 },
      "m value.wide: expected an integer from 0 to 1125899906842623, got 1125899906842624.",
    );
    refused(packed, { flag: 1 }, "m value.flag: expected true or false, got 1.");
    refused(packed, { color: "GREEN" }, 'm value.color: expected one of RED, BLUE, got "GREEN".');
  });
});

describe("what does not fit is refused, by the name of the field", () => {
  const outer = struct(40, [
    { name: "list", offset: 0, layout: array(struct(4, [{ name: "n", offset: 0, layout: int(32) }]), 2) },
    { name: "name", offset: 8, layout: text(4) },
    { name: "color", offset: 12, layout: color },
    { name: "ratio", offset: 16, layout: { kind: "float", size: 8 } },
    { name: "flag", offset: 24, layout: boolean },
    { name: "at", offset: 32, layout: { kind: "pointer", size: 8 } },
  ]);
  const cases: [value: unknown, message: string][] = [
    [{ list: [{ n: 1 }, { n: -1 }] }, "m value.list[1].n: expected an integer from 0 to 4294967295, got -1."],
    [{ list: [{ n: 1 }, { n: 1.5 }] }, "m value.list[1].n: expected an integer from 0 to 4294967295, got 1.5."],
    [{ list: [{ n: 1 }, { n: NaN }] }, "m value.list[1].n: expected an integer from 0 to 4294967295, got NaN."],
    [
      { list: [{ n: 1 }, { n: 2n ** 32n }] },
      "m value.list[1].n: expected an integer from 0 to 4294967295, got 4294967296.",
    ],
    [{ list: [{ n: 1 }] }, "m value.list: expected an array of 2, got [ { n: 1 } ]."],
    [{ list: 7 }, "m value.list: expected an array of 2, got 7."],
    [{ list: [{ n: 1n }, 5n] }, "m value.list[1]: expected an object with n, got 5."],
    [{ name: "abcde" }, 'm value.name: expected a string of at most 4 bytes, got "abcde".'],
    [{ name: "üüü" }, 'm value.name: expected a string of at most 4 bytes, got "üüü".'],
    [{ name: 5 }, "m value.name: expected a string, got 5."],
    [{ color: "GREEN" }, 'm value.color: expected one of RED, BLUE, got "GREEN".'],
    [{ color: 2 ** 31 }, "m value.color: expected an integer from -2147483648 to 2147483647, got 2147483648."],
    [{ color: null }, "m value.color: expected an integer from -2147483648 to 2147483647, got null."],
    [{ ratio: "1" }, 'm value.ratio: expected a number, got "1".'],
    [{ flag: 1 }, "m value.flag: expected true or false, got 1."],
    [{ at: -1 }, "m value.at: expected an integer from 0 to 18446744073709551615, got -1."],
    [{ flags: true }, 'm value has no field "flags".\nIt has: list, name, color, ratio, flag and at.'],
    [[1], "m value: expected an object with list, name, color, ratio, flag, at, got [ 1 ]."],
    [undefined, "m value: expected an object with list, name, color, ratio, flag, at, got undefined."],
  ];
  for (const [value, message] of cases) test(message.split("\n")[0], () => refused(outer, value, message));

  test("whatever the value is, the error is ours and short", () => {
    const circular: Record<string, unknown> = { big: 1n };
    circular["self"] = circular;
    for (const value of [circular, () => 1, Symbol("s"), "x".repeat(10_000), new Map([[1n, circular]])]) {
      assert.throws(
        () => encode(int(32), value, "m key"),
        (e: Error) =>
          e instanceof ArgumentError && e.message.startsWith("m key: expected an integer") && e.message.length < 250,
      );
    }
  });
});
