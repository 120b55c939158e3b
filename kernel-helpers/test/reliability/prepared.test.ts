/** Names that another user has prepared, in /tmp and elsewhere: what is there is not believed, and no link is followed. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { table as makeTable } from "arquero";
import { execa } from "execa";
import { capture } from "../../dist/api/index.js";
import { ownDirectory } from "../../dist/base/own-directory.js";
import { removeOrphanedScratch } from "../../dist/base/scratch.js";
import { cacheDir } from "../../dist/clang/locations.js";
import { PerfMap } from "../../dist/bpf/perf-map.js";
import { readConnection } from "../../dist/jupyter/wire/connection-file.js";
import { notebook, report } from "../report/notebook.js";

const NOBODY = 65_534;
const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

/** As /tmp is: everybody may make names in it. */
let shared: string;
let victim: string;
before(() => {
  shared = mkdtempSync(join(tmpdir(), "bpflab-prepared-"));
  chmodSync(shared, 0o1777);
  victim = join(shared, "victim");
  mkdirSync(victim, { mode: 0o700 });
  writeFileSync(join(victim, "kept"), "kept");
});
after(() => rmSync(shared, { recursive: true, force: true }));

function link(name: string, to: string): string {
  const path = join(shared, name);
  symlinkSync(to, path);
  lchownSync(path, NOBODY, NOBODY);
  return path;
}

const assertUntouched = () => assert.deepEqual(readdirSync(victim), ["kept"]);

describe("a directory of ours", () => {
  test("that is a link is refused, whatever it leads to", () => {
    for (const [name, to] of [
      ["to-ours", victim],
      ["to-nothing", join(shared, "made-by-it")],
    ] as const)
      assert.throws(() => ownDirectory(link(name, to)), /is not a directory, so nothing in it is trusted/);
    assert.equal(existsSync(join(shared, "made-by-it")), false);
    assertUntouched();
  });

  test("that is somebody's file is refused", () => {
    writeFileSync(join(shared, "file"), "");
    assert.throws(() => ownDirectory(join(shared, "file")), /is not a directory/);
  });

  test("for compiled programs is not believed when somebody else made it", async () => {
    mkdirSync(join(shared, "bpflab"));
    chownSync(join(shared, "bpflab"), NOBODY, NOBODY);
    const { XDG_CACHE_HOME: before } = process.env;
    process.env["XDG_CACHE_HOME"] = shared;
    try {
      assert.throws(() => cacheDir(), /bpflab belongs to user 65534, so nothing in it is trusted/);
    } finally {
      if (before === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = before;
    }
  });

  test("of a running JupyterLab is not believed either", async () => {
    const runtime = join(shared, "runtime");
    mkdirSync(runtime);
    chmodSync(runtime, 0o777);
    const { exitCode, stderr } = await execa(process.execPath, [entry, "lab"], {
      env: { JUPYTER_RUNTIME_DIR: runtime },
      reject: false,
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, /^.*runtime can be written to by others, so nothing in it is trusted\.\nFind out who made it/);
  });
});

test("what looks like a temporary directory of a killed process stays when it is a link or another user's", async () => {
  const ended = (await execa("sh", ["-c", "echo $$"])).stdout;
  const names = ["abcde1", "abcde2", "abcde3"].map((end) => `bpflab-report-${ended}-${end}`);
  link(names[0]!, victim);
  mkdirSync(join(shared, names[1]!));
  chownSync(join(shared, names[1]!), NOBODY, NOBODY);
  mkdirSync(join(shared, names[2]!));
  symlinkSync(victim, join(shared, names[2]!, "inside")); // is removed, not what it leads to
  assert.deepEqual(removeOrphanedScratch(["bpflab-report-"], shared), [join(shared, names[2]!)]);
  assertUntouched();
});

describe("a connection file", () => {
  const content = JSON.stringify({ ip: "127.0.0.1", key: "secret" });
  const written = (name: string, mode: number) => {
    const file = join(shared, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };

  test("as Jupyter makes it is read", () => {
    assert.equal(readConnection(written("good.json", 0o600)).key, "secret");
  });

  for (const mode of [0o644, 0o640, 0o620, 0o666])
    test(`with mode ${mode.toString(8)} is refused`, () => {
      const file = written(`mode-${mode}.json`, mode);
      assert.throws(() => readConnection(file), /can be read or written by other users, who could run code here/);
    });

  test("of another user is refused, and a link to a good one", () => {
    const file = written("others.json", 0o600);
    chownSync(file, NOBODY, NOBODY);
    assert.throws(() => readConnection(file), /belongs to user 65534/);
    assert.throws(() => readConnection(link("link.json", written("target.json", 0o600))), /ELOOP/);
  });
});

test("functions that a process is said to have made are believed of that process's user alone", async () => {
  const name = `/tmp/perf-${process.pid}.map`;
  const line = "1000 100 theirs\n";
  try {
    writeFileSync(name, line);
    assert.equal(new PerfMap(process.pid).nameOf(0x1000n), "theirs");
    chownSync(name, NOBODY, NOBODY);
    assert.equal(new PerfMap(process.pid).nameOf(0x1000n), undefined);
    rmSync(name);
    writeFileSync(join(shared, "map"), line);
    symlinkSync(join(shared, "map"), name);
    assert.equal(new PerfMap(process.pid).nameOf(0x1000n), undefined);
  } finally {
    rmSync(name, { force: true });
  }
});

describe("what is written for the user", () => {
  const rows = makeTable({ start_ns: [1, 2] }) as never;

  test("a capture takes the place of a link, and nobody else reads it", async () => {
    writeFileSync(join(victim, "kept"), "kept");
    const file = link("writes.parquet", join(victim, "kept"));
    await capture.save(rows, file);
    assert.ok(lstatSync(file).isFile());
    assert.equal(lstatSync(file).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(victim, "kept"), "utf8"), "kept");
  });

  test("a capture in the place of another user's file has none of that file's mode", async () => {
    const file = join(shared, "open.parquet");
    writeFileSync(file, "");
    chmodSync(file, 0o666);
    chownSync(file, NOBODY, NOBODY);
    await capture.save(rows, file);
    const { mode, uid } = lstatSync(file);
    assert.deepEqual([mode & 0o777, uid], [0o600, process.getuid!()]);
  });

  test("a page and its PDF take the place of links", async () => {
    const source = await notebook("page.ipynb", ["1"]);
    for (const name of ["page.html", "page.pdf"]) link(name, join(victim, "kept"));
    const { exitCode, stderr } = await report(source, "-o", shared, "--pdf");
    assert.equal(exitCode, 0, stderr);
    for (const name of ["page.html", "page.pdf"]) assert.ok(lstatSync(join(shared, name)).isFile(), name);
    assert.equal(readFileSync(join(victim, "kept"), "utf8"), "kept");
  });
});
