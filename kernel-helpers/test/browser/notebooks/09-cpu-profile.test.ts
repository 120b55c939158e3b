import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("09-cpu-profile", {
  /** The functions that burn the CPU and those that wait are found, each on its side. */
  async then({ notebook, cells }) {
    assert.equal(await notebook.charts.count(), 5);
    const shown = (holding: string) =>
      JSON.stringify(cells.find(({ source }) => String(source).includes(holding))!.outputs);
    for (const name of ["JS:[*^~]sumUp ", "JS:[*^~]lookAtPictures ", "_\\[k\\]"])
      assert.match(shown("charts.flamegraph(first.running)"), new RegExp(name));
    for (const name of ["askWarehouse", "pipe_read_\\[k\\]", "writeDown", "fsync_\\[k\\]"])
      assert.match(shown("charts.flamegraph(first.waits"), new RegExp(name));
    const rows = await notebook.outputs
      .locator(".bpflab-table", { hasText: "why" })
      .locator("tbody tr")
      .allInnerTexts();
    assert.ok(
      rows.some((row) => /^askWarehouse\s+waiting\s/.test(row)),
      rows.join("\n"),
    );
    const [, seconds] = /([\d.]+) s of 3 s are accounted for/.exec(shown("are accounted for"))!;
    assert.ok(Number(seconds) > 1.5 && Number(seconds) < 4, `${seconds} s of 3`);
  },
});
