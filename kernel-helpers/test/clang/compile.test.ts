import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { execa } from "execa";
import type { Diagnostic } from "../../dist/clang/diagnostics.js";

const module = new URL("../../dist/clang/compile.js", import.meta.url).href;

interface Outcome {
  /** Of the ELF file. */
  sha?: string;
  hash?: string;
  warnings?: Diagnostic[];
  error?: { name: string; message: string; diagnostics?: Diagnostic[] };
}

/** Compiles in a process of its own, which knows nothing of what was compiled before but the cache. */
async function compile(
  source: string,
  options: object = {},
  env: NodeJS.ProcessEnv = {},
  cwd = process.cwd(),
): Promise<Outcome> {
  const script = `
    import { createHash } from "node:crypto";
    import { compile } from ${JSON.stringify(module)};
    const outcome = await compile(${JSON.stringify(source)}, ${JSON.stringify({ name: "mine", ...options })}).then(
      ({ elf, hash, warnings }) => ({ sha: createHash("sha256").update(elf).digest("hex"), hash, warnings }),
      ({ name, message, diagnostics }) => ({ error: { name, message, diagnostics } }));
    console.log(JSON.stringify(outcome));`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", script], { env, cwd });
  return JSON.parse(stdout) as Outcome;
}

const program = (body: string, head = '#include "bpflab.h"') => `${head}
char LICENSE[] SEC("license") = "GPL";
SEC("tp/sched/sched_switch") int on_switch(void *ctx)
{
${body}
	return 0;
}
`;

describe("compile", () => {
  let dir: string;
  let env: NodeJS.ProcessEnv;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "bpflab-compile-"));
    env = { XDG_CACHE_HOME: join(dir, "cache"), CLANG: join(dir, "clang") };
    await compiler();
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** A compiler that logs what it is called for, and may call itself by another version. */
  async function compiler(version?: string): Promise<void> {
    const says = version ? `[ "$1" = --version ] && exec echo "${version}"\n` : "";
    await writeFile(env["CLANG"]!, `#!/bin/sh\necho "$*" >> ${dir}/log\n${says}exec clang "$@"\n`);
    await chmod(env["CLANG"]!, 0o755);
  }

  /** What the compiler was called for since the last question. */
  async function calls(): Promise<string[]> {
    const log = await readFile(join(dir, "log"), "utf8").catch(() => "");
    await writeFile(join(dir, "log"), "");
    return log
      .trim()
      .split("\n")
      .map((line) => (/-x c-header/.test(line) ? "header" : /-x c /.test(line) ? "program" : line));
  }

  const vmlinuxFiles = async () =>
    (await readdir(join(env["XDG_CACHE_HOME"]!, "bpflab/vmlinux"), { recursive: true })).sort();

  test("runs clang once for a source: the second time gives the same bytes from the cache", async () => {
    const first = await compile(program(""), {}, env);
    assert.equal(first.error, undefined);
    assert.deepEqual(await calls(), ["--version", "header", "program"]);
    const second = await compile(program(""), {}, env);
    assert.deepEqual(await calls(), ["--version"]);
    assert.deepEqual(second, first);
    await rm(env["XDG_CACHE_HOME"]!, { recursive: true });
    assert.deepEqual(await compile(program(""), {}, env), first, "compiled anew it has the same bytes too");
  });

  test("makes vmlinux.h once per kernel, and its precompiled form once per compiler", async () => {
    await compile(program(""), {}, env);
    const files = await vmlinuxFiles();
    assert.equal(files.length, 3, "a directory, the header, the precompiled header");
    const header = join(
      env["XDG_CACHE_HOME"]!,
      "bpflab/vmlinux",
      files.find((f) => f.endsWith("vmlinux.h"))!,
    );
    const { ino, mtimeMs } = await stat(header);
    await calls();
    assert.equal((await compile(program("\tctx = 0;"), {}, env)).error, undefined);
    assert.deepEqual(await calls(), ["--version", "program"]);
    await compiler("another clang version 99");
    assert.equal((await compile(program(""), {}, env)).error, undefined);
    assert.deepEqual(await calls(), ["--version", "header", "program"]);
    assert.equal((await vmlinuxFiles()).length, 4);
    const after = await stat(header);
    assert.deepEqual([after.ino, after.mtimeMs], [ino, mtimeMs]);
  });

  test("works when several processes begin with an empty cache at once, and afterwards", async () => {
    const outcomes = await Promise.all(
      [0, 1, 2, 3].map((i) => compile(program("", `#include "bpflab.h"\nint number = ${i % 2};`), {}, env)),
    );
    for (const { error } of outcomes) assert.equal(error, undefined, error?.message);
    assert.equal(outcomes[0]!.sha, outcomes[2]!.sha);
    assert.notEqual(outcomes[0]!.sha, outcomes[1]!.sha);
    assert.equal((await compile(program("\tctx = 0;"), {}, env)).error, undefined);
    const files = await readdir(env["XDG_CACHE_HOME"]!, { recursive: true });
    assert.deepEqual(
      files.filter((f) => /\.\d+\.\w+$/.test(f)),
      [],
      "half-written files are left",
    );
  });

  test("works with a vmlinux.h that is newer than its precompiled form, and with one that is gone", async () => {
    await compile(program(""), {}, env);
    const header = join(
      env["XDG_CACHE_HOME"]!,
      "bpflab/vmlinux",
      (await vmlinuxFiles()).find((f) => f.endsWith("vmlinux.h"))!,
    );
    await utimes(header, new Date(), new Date(Date.now() + 10_000)); // as another process does that writes it at the same time
    assert.equal((await compile(program("\tctx = 0;"), {}, env)).error, undefined);
    await unlink(header);
    assert.equal((await compile(program("\tctx = (void *)1;"), {}, env)).error, undefined);
  });

  test("takes programs without vmlinux.h, and needs no precompiled header for them", async () => {
    const { error } = await compile(
      program("\treturn XDP_PASS;", "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>"),
      {},
      env,
    );
    assert.equal(error, undefined, error?.message);
    assert.deepEqual(await calls(), ["--version", "program"]);
  });

  test("returns the warnings, also of a source that comes from the cache", async () => {
    const source = program("\tint unused;");
    const { warnings, error } = await compile(source, {}, env);
    assert.equal(error, undefined);
    assert.deepEqual(warnings, [
      {
        severity: "warning",
        file: "mine.bpf.c",
        line: 5,
        column: 6,
        message: "unused variable 'unused' [-Wunused-variable]",
        excerpt: "5 | \tint unused;\n  | \t    ^",
      },
    ]);
    assert.deepEqual((await compile(source, {}, env)).warnings, warnings);
  });

  for (const [where, header, name] of [
    ["of the include path", "value.h", "<value.h>"],
    ["in a directory of the include path", "in/a $dir #1/value.h", "<in/a $dir #1/value.h>"],
    ["beside the notebook", "here/value.h", '"value.h"'],
  ] as const) {
    test(`compiles anew when a header ${where} changes, and only then`, async () => {
      const options = { include: [dir] };
      const source = program("\treturn VALUE;", `#include "bpflab.h"\n#include ${name}`);
      await mkdir(join(dir, "here"));
      await mkdir(join(dir, header, ".."), { recursive: true });
      const compileWith = async (value: number) => {
        await writeFile(join(dir, header), `#define VALUE ${value}\n`);
        return compile(source, options, env, join(dir, "here"));
      };
      const first = await compileWith(1);
      assert.equal(first.error, undefined, first.error?.message);
      await calls();
      assert.deepEqual(await compileWith(1), first);
      assert.deepEqual(await calls(), ["--version"]);
      const second = await compileWith(2);
      assert.notEqual(second.hash, first.hash);
      assert.notEqual(second.sha, first.sha);
      assert.deepEqual(await compileWith(1), first);
    });
  }

  test("says where a header is included that is not there", async () => {
    for (const name of ["missing.h", "bpf/missing.h"]) {
      const { error } = await compile(program("", `#include "bpflab.h"\n#include <${name}>`), {}, env);
      assert.equal(error!.name, "CompileError");
      assert.equal(
        error!.message,
        `mine does not compile.\nmine.bpf.c:2:10: There is no header ${name}.\n2 | #include <${name}>\n  |          ^\nA header of your own is looked for beside the notebook, and in the directories of -I.`,
      );
      assert.deepEqual(
        error!.diagnostics!.map((d) => [d.severity, d.file, d.line, d.column]),
        [["error", "mine.bpf.c", 2, 10]],
      );
    }
    const { error } = await compile(program(""), { include: [join(dir, "nowhere")] }, env);
    assert.equal(error!.name, "ArgumentError");
    assert.match(error!.message, /^include: the directory .*nowhere cannot be read\./);
  });

  test("calls the source what it was told to", async () => {
    const { error } = await compile(program("\tnonsense;"), { file: "In [3]" }, env);
    assert.match(
      error!.message,
      /^mine does not compile\.\nIn \[3\]:5:2: use of undeclared identifier 'nonsense'\n5 \| \tnonsense;/,
    );
    const quoted = await compile(program("\tnonsense;"), { file: 'a "quoted" \\ name' }, env);
    assert.match(quoted.error!.message, /\na "quoted" \\ name:5:2: use of undeclared/);
  });

  test("keeps nothing of a source that does not compile", async () => {
    await compile(program("\tnonsense;"), {}, env);
    assert.deepEqual(await readdir(join(env["XDG_CACHE_HOME"]!, "bpflab/objects")), []);
  });

  test("takes names that can be a variable's and nothing else", async () => {
    for (const name of ["", "1st", "_x", "a-b", "a b", "../x", "a.b", "x\n", "ü"]) {
      const { error } = await compile(program(""), { name }, env);
      assert.deepEqual(error, {
        name: "ArgumentError",
        message: `name: expected letters, digits and _, beginning with a letter, got ${JSON.stringify(name)}.`,
      });
    }
    assert.deepEqual(await calls(), [""], "clang was run for a name that is refused");
    for (const name of ["a", "B2", "with_underscore_and_a_name_longer_than_the_kernel_keeps"])
      assert.equal((await compile(program(""), { name }, env)).error, undefined);
  });
});
