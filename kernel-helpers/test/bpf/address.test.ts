import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ArgumentError, net } from "../../dist/api/index.js";

describe("addresses", () => {
  for (const [given, hex, text] of [
    ["198.18.0.2", "00000000000000000000ffffc6120002", "198.18.0.2"],
    ["::ffff:198.18.0.2", "00000000000000000000ffffc6120002", "198.18.0.2"],
    ["2001:db8::2", "20010db8000000000000000000000002", "2001:db8::2"],
    ["2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a", "2001:db8::8:800:200c:417a"],
    ["::", "00000000000000000000000000000000", "::"],
    ["::1", "00000000000000000000000000000001", "::1"],
    ["fe80::", "fe800000000000000000000000000000", "fe80::"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "20010000000000010000000000000001", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304", "1:2:3:4:5:6:102:304"],
  ] as const) {
    test(`${given} is ${hex} and reads ${text}`, () => {
      const bytes = net.parseAddress(given);
      assert.equal(Buffer.from(bytes).toString("hex"), hex);
      assert.equal(net.formatAddress(bytes), text);
    });
  }

  for (const wrong of ["", "198.18.0", "198.18.0.256", "2001:db8::1::2", "fe80::1%eth0", "localhost", 7]) {
    test(`${JSON.stringify(wrong)} is no address`, () => {
      assert.throws(
        () => net.parseAddress(wrong),
        (error: Error) => error instanceof ArgumentError && error.message.includes("expected an IPv4 or IPv6 address"),
      );
    });
  }

  test("a prefix counts in 128 bits; an address alone is itself", () => {
    assert.deepEqual(net.parsePrefix("198.18.0.0/24"), { bits: 120, address: "198.18.0.0" });
    assert.deepEqual(net.parsePrefix("198.18.0.7"), { bits: 128, address: "198.18.0.7" });
    assert.deepEqual(net.parsePrefix("2001:db8::/32"), { bits: 32, address: "2001:db8::" });
    assert.deepEqual(net.parsePrefix("0.0.0.0/0"), { bits: 96, address: "0.0.0.0" });
    for (const wrong of ["198.18.0.0/33", "2001:db8::/129", "198.18.0.0/", "198.18.0.0/1/2", "198.18.0.0/-1"])
      assert.throws(() => net.parsePrefix(wrong), ArgumentError);
  });
});
