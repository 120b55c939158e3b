import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toCodePoints, toUtf16 } from "../../../dist/jupyter/typescript/positions.js";

describe("positions", () => {
  it("count an emoji as one on the wire and two in TypeScript", () => {
    assert.equal(toUtf16("a😀b", 2), 3);
    assert.equal(toCodePoints("a😀b", 3), 2);
  });

  it("stay inside the text", () => {
    assert.equal(toUtf16("ab", 9), 2);
    assert.equal(toCodePoints("ab", 9), 2);
  });
});
