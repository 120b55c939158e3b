import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { excerpt } from "../../../dist/jupyter/typescript/excerpt.js";

describe("excerpt", () => {
  it("marks a place among its neighbours", () => {
    assert.equal(
      excerpt("a\nlet x = y;\nb\nc", { line: 1, column: 8, endColumn: 9 }),
      "  1 | a\n> 2 | let x = y;\n    |         ^\n  3 | b",
    );
  });

  it("keeps tabs, so that the caret stands below its column", () => {
    assert.equal(excerpt("\tx", { line: 0, column: 1 }), "> 1 | \tx\n    | \t^");
  });

  it("aligns line numbers of different widths", () => {
    const source = Array.from({ length: 10 }, (_, i) => `l${i + 1}`).join("\n");
    assert.equal(excerpt(source, { line: 9, column: 0 }), "   9 | l9\n> 10 | l10\n     | ^");
  });

  it("survives a place beyond the text", () => {
    assert.equal(excerpt("x", { line: 5, column: 3 }), "");
  });
});
