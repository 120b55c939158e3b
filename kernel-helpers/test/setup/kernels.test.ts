import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Measured {
  [suite: string]: { kernel: string; features: Record<string, { ok: boolean; detail?: string }> };
}
const { tableOf } = (await import(new URL("../../setup/kernels.mjs", import.meta.url).href)) as {
  tableOf: (measured: Measured) => string;
};
const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("a table of kernels: yes, by what, why not, each reason once; kernels by age, and what was not tried", () => {
  const no = { ok: false, detail: "It has no | there." };
  const table = tableOf({
    trixie: { kernel: "6.12.1", features: { filter: { ok: true, detail: "tcx" }, extra: { ok: true } } },
    bullseye: { kernel: "5.10.0", features: { filter: no, ring: no } },
  });
  assert.equal(
    table,
    [
      "|  | 5.10.0 (Debian 11) | 6.12.1 (Debian 13) |",
      "| --- | --- | --- |",
      "| filter | no [1] | yes: tcx |",
      "| ring | no [1] | – |",
      "| extra | – | yes |",
      "",
      "1. It has no | there.",
    ].join("\n"),
  );
});

test("the README's table is what was measured", () => {
  const measured = JSON.parse(read("../../test/kernels/measured.json")) as Measured;
  const [, shown] = /<!-- tested on -->([^]*)<!-- end of tested on -->/.exec(read("../../../README.md"))!;
  const cells = (text: string) => text.trim().replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
  assert.equal(cells(shown!), cells(tableOf(measured)));
});
