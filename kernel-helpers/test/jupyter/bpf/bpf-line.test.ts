import assert from "node:assert/strict";
import { test } from "node:test";
import { ArgumentError } from "../../../dist/base/errors.js";
import { parseBpfLine } from "../../../dist/jupyter/bpf/bpf-line.js";

test("the first line of a C cell is read as a shell reads its words", () => {
  const line = `mine --constant limit=0x10 --constant "first=a b" --constant name="x  y" -D SIZE=4 -D TITLE="a b" -I "my headers"`;
  const { name, loading, compile } = parseBpfLine(line);
  assert.equal(name, "mine");
  assert.deepEqual(loading.constants, { limit: 16, first: "a b", name: "x  y" });
  assert.deepEqual(compile, { define: { SIZE: "4", TITLE: '"a b"' }, include: ["my headers"], countLost: false });
});

test("a constant in quotes is text, whatever it looks like", () => {
  assert.deepEqual(parseBpfLine('mine --constant a="5" --constant b=5').loading.constants, { a: "5", b: 5 });
});

test("what cannot be read is refused", () => {
  for (const line of ["", "mine --nosuch", "mine --constant 5", "class"])
    assert.throws(() => parseBpfLine(line), ArgumentError, line);
});

test("a quote that is not closed", () => {
  for (const line of [`mine -D 'NAME="a b`, 'mine --constant text="a', `mine -I '/opt/x`])
    assert.throws(() => parseBpfLine(line), /^ArgumentError: %%bpf: the quote ["'] is not closed\.\nClose it on/);
  assert.deepEqual(parseBpfLine(`mine -D QUOTE="it's"`).compile.define, { QUOTE: `"it's"` });
});
