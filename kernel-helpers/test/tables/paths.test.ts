import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { execa } from "execa";
import { aq, ArgumentError, withPaths } from "../../dist/api/index.js";
import { DictionaryColumn } from "../../dist/streams/event-columns.js";
import { captureOf, markCapture } from "../../dist/streams/capture.js";
import { tableHtml } from "../../dist/tables/table-html.js";

const descriptors = (...rows: [pid: number, fd: number][]) =>
  aq.table({ pid: Uint32Array.from(rows, ([pid]) => pid), fd: Int32Array.from(rows, ([, fd]) => fd) });

describe("the files behind descriptors", () => {
  const dir = mkdtempSync(join(tmpdir(), "bpflab-files-"));
  after(() => rmSync(dir, { recursive: true }));

  test("paths, one for each descriptor, stored once each", () => {
    const [one, two] = [openSync(join(dir, "one"), "w"), openSync(join(dir, "two"), "w")];
    const table = withPaths(
      descriptors([process.pid, one], [process.pid, two], [process.pid, one], [process.pid, one]),
    );
    assert.deepEqual(
      table.array("path"),
      ["one", "two", "one", "one"].map((name) => join(dir, name)),
    );
    const column = table.column("path") as unknown as DictionaryColumn;
    assert.ok(column instanceof DictionaryColumn);
    assert.equal(column.dictionary.length, 2);
    assert.deepEqual(table.columnNames(), ["pid", "fd", "path"]);
    closeSync(one);
    closeSync(two);
  });

  test("what is deleted, closed or ended says so", async () => {
    const gone = openSync(join(dir, "gone"), "w");
    unlinkSync(join(dir, "gone"));
    const child = spawn("true");
    await new Promise((resolve) => child.once("close", resolve));
    const table = withPaths(descriptors([process.pid, gone], [process.pid, 999_999], [child.pid!, 1]));
    assert.deepEqual(table.array("path"), [`${join(dir, "gone")} (deleted)`, "(closed)", "(process ended)"]);
    closeSync(gone);
  });

  test("what was lost from a filtered table is not forgotten", () => {
    const table = markCapture(descriptors([process.pid, 0], [process.pid, 1]), {
      source: "rb",
      rows: 2,
      lost: 3,
      dropped: 0,
      startedAt: 0,
      endedAt: 0,
    });
    assert.equal(captureOf(withPaths(table.filter((row: { fd: number }) => row.fd === 0)))?.lost, 3);
  });

  test("rows that are filtered out are not looked up; other names of the columns can be given", () => {
    const table = descriptors([process.pid, 0], [process.pid, 999_999]).filter((row: { fd: number }) => row.fd > 0);
    assert.deepEqual(withPaths(table).array("path"), ["(closed)"]);
    assert.deepEqual(
      withPaths(table.rename({ pid: "process", fd: "number" }), { pid: "process", fd: "number" }).array("path"),
      ["(closed)"],
    );
    assert.throws(() => withPaths(table, { pid: "process" }), ArgumentError);
  });

  test("a path is whatever somebody called a file: tables show it as text", () => {
    const name = "<img src=x onerror=alert(1)>\u001b[2J";
    const fd = openSync(join(dir, name), "w");
    const html = tableHtml(withPaths(descriptors([process.pid, fd])));
    assert.ok(html.includes("&lt;img src=x onerror=alert(1)&gt;\\x1b[2J"));
    assert.ok(!html.includes("<img"));
    closeSync(fd);
  });

  test("inside a PID namespace, where /proc counts otherwise, no path is claimed", async () => {
    const index = new URL("../../dist/api/index.js", import.meta.url).href;
    const script = `import { aq, withPaths } from ${JSON.stringify(index)}; console.log(withPaths(aq.table({ pid: [1], fd: [1] })).get("path", 0)); process.exit(0);`;
    const node = [process.execPath, "--input-type=module", "--disable-warning=ExperimentalWarning", "-e", script];
    const { stdout } = await execa("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", ...node]);
    assert.equal(stdout, "(unknown in this PID namespace)");
  });
});
