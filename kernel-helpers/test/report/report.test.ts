import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { execa } from "execa";
import { bpflab, directory, notebook, report } from "./notebook.js";

test("on a terminal each cell is shown while it runs", async () => {
  const source = await notebook("cells.ipynb", [
    "1 + 1",
    "await new Promise((resolve) => setTimeout(resolve, 700))",
    "throw new Error('third')",
  ]);
  const terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const { exitCode, stdout } = await execa(
    "/usr/bin/python3",
    ["-c", terminal, process.execPath, bpflab, "report", source, "-o", directory],
    { reject: false, stdin: "ignore" },
  );
  assert.equal(exitCode, 1);
  for (const cell of [1, 2, 3]) assert.match(stdout, new RegExp(`cells\\.ipynb  cell ${cell} of 3`));
  assert.match(stdout, /\r\u001b\[2K✗ .*cells\.ipynb: cell 3, line 1, failed: Error: third/);
});

test("a failing cell fails the command, is named, and the page shows what ran up to there", async () => {
  const source = await notebook("fails.ipynb", [
    "console.log('this ran')",
    "const x = 1;\nthrow new RangeError('over\\u001b[2J the edge')",
    "console.log('never ' + 'ran')",
  ]);
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /fails\.ipynb: cell 2, line 2, failed: RangeError: over.*the edge/);
  assert.ok(!result.stderr.includes("\u001b"), "a notebook's text cannot steer the terminal");
  const html = await readFile(join(directory, "fails.html"), "utf8");
  assert.match(html, /<pre>this ran/);
  assert.match(html, /RangeError: over/);
  assert.doesNotMatch(html, /never ran/);
});

test("a kernel that is not there is named", async () => {
  const source = await notebook("stranger.ipynb", ["1"], "no-such-kernel");
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /stranger\.ipynb: the kernel did not start: NoSuchKernel: .*no-such-kernel/);
});

test("one failing notebook does not keep the others from their pages", async () => {
  const first = await notebook("a.ipynb", ["throw new Error('first')"]);
  const second = await notebook("b.ipynb", ["40 + 2"]);
  const result = await report(first, second, "-o", join(directory, "both"));
  assert.equal(result.exitCode, 1);
  assert.match(await readFile(join(directory, "both/b.html"), "utf8"), /<pre>42<\/pre>/);
});

test("what is not a notebook is refused before anything runs", async () => {
  const source = await notebook("good.ipynb", ["1"]);
  const missing = await report(source, join(directory, "missing.ipynb"));
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /^Expected a notebook \(\.ipynb\), got .*missing\.ipynb, which is not there\.$/);
  assert.equal(missing.stdout, "");
  const refused: [string[], RegExp][] = [
    [[source, source, "-o", "page.html"], /names one page, and there are 2 notebooks/],
    [
      [source, source, "-o", directory],
      /^Two of the notebooks would become .*good\.html: report them one by one, with -o\.$/,
    ],
    [
      [source, "-o", "page.pdf"],
      /^Expected a page \(\.html\) or a directory for -o, got page\.pdf\. --pdf prints each page beside it\.$/,
    ],
    [[source, "-o", "/dev/null/pages"], /^\/dev\/null\/pages cannot be used: not a directory \(ENOTDIR\)\.$/],
  ];
  for (const [args, words] of refused) {
    const result = await report(...args);
    assert.equal(result.exitCode, 1);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, words);
  }
  const noBrowser = await execa(process.execPath, [bpflab, "report", source, "-o", directory, "--pdf"], {
    env: { PATH: "/nowhere" },
    reject: false,
  });
  assert.match(
    noBrowser.stderr,
    /^Printing a report needs Chromium, which is not there\.\nInstall it: apt install chromium\.$/,
  );
  assert.equal(noBrowser.stdout, "");
});

test("a file that is no notebook inside is refused in one sentence", async () => {
  const source = join(directory, "broken.ipynb");
  await writeFile(source, "{ not json");
  const result = await report(source, "-o", directory);
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /^.*broken\.ipynb is not a notebook: .+\n.+$/);
});
