import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { execa } from "execa";
import { handleOf } from "../workload/handles.js";
import {
  ArgumentError,
  AttachError,
  bpf,
  ClosedError,
  collect,
  CompileError,
  VerifierError,
} from "../../dist/api/index.js";

const index = new URL("../../dist/api/index.js", import.meta.url).href;

/** Runs a few lines in a process of their own and returns what the error said: its class, code and message. */
async function errorOf(
  body: string,
  { command = [process.execPath], env = {} }: { command?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const script = `import { bpf } from ${JSON.stringify(index)};
    try { ${body}; console.log("no error"); } catch (error) { console.log(error.name, error.code); console.log(error.message); }`;
  const [file, ...args] = command;
  const { stdout } = await execa(
    file!,
    [...args, "--input-type=module", "--disable-warning=ExperimentalWarning", "-e", script],
    { env },
  );
  return stdout;
}

const program = (body: string, section = "tp/syscalls/sys_enter_write") => `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

SEC("${section}")
int handle(struct trace_event_raw_sys_enter *ctx)
{
${body}
}
`;

describe("errors say what to do", () => {
  after(() => bpf.closeAll());

  test("not root", async () => {
    const said = await errorOf(`process.seteuid(65534); await bpf.load("ringbuf")`);
    assert.match(
      said,
      /^NotRootError NOT_ROOT\nLoading a BPF program needs root or CAP_BPF, and this process runs as user 65534 without it\.\nStart JupyterLab or the program as root/,
    );
  });

  test("no BTF", async () => {
    // A mount namespace of its own, where the kernel seems to have none.
    const hidden = [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"',
      process.execPath,
    ];
    const said = await errorOf(`await bpf.load("ringbuf")`, { command: hidden });
    assert.match(
      said,
      /^MissingFeatureError MISSING_FEATURE\nThis kernel does not describe its types: \/sys\/kernel\/btf\/vmlinux cannot be read\.\nUse a kernel built with CONFIG_DEBUG_INFO_BTF=y/,
    );
  });

  test("no clang", async () => {
    const empty = await mkdtemp(join(tmpdir(), "bpflab-path-"));
    const said = await errorOf(`await bpf.load("ringbuf")`, { env: { PATH: empty, CLANG: "" } });
    await rm(empty, { recursive: true });
    assert.match(
      said,
      /^MissingFeatureError MISSING_FEATURE\nThe C compiler clang cannot be found\.\nInstall it with: apt-get install clang$/,
    );
  });

  test("a syntax error in C: file, line, column, excerpt, and no stack dump", async () => {
    const error = await bpf.compile(program("\tint count = 1\n\treturn count;"), { name: "broken" }).then(
      () => assert.fail("it compiled"),
      (e: unknown) => e as CompileError,
    );
    assert.ok(error instanceof CompileError);
    const { file, line, column, message, excerpt } = error.diagnostics[0]!;
    assert.deepEqual(
      { file, line, column, message },
      { file: "broken.bpf.c", line: 7, column: 15, message: "expected ';' at end of declaration" },
    );
    assert.equal(excerpt, "7 | \tint count = 1\n  | \t             ^");
    assert.equal(
      error.message,
      `broken does not compile.\nbroken.bpf.c:7:15: expected ';' at end of declaration\n${excerpt}`,
    );
  });

  test("a crash of clang is one readable line", async () => {
    // BPF has no atomic NAND; clang 14 finds out in its back end and prints its own stack.
    const error = await bpf.compile(program("\treturn __atomic_fetch_nand(&ctx->id, 1, 0);"), { name: "crash" }).then(
      () => assert.fail("it compiled"),
      (e: unknown) => e as CompileError,
    );
    assert.ok(error instanceof CompileError);
    assert.match(
      error.message,
      /^clang failed on crash without pointing at a line: fatal error: error in backend: Cannot select[^\n]*\nThe compiler itself crashed; simplify the last thing you changed/,
    );
    assert.doesNotMatch(error.message, /Stack dump|PLEASE submit/);
    assert.match(error.output, /Stack dump/, "clang did not crash, so this shows nothing");
  });

  test("a program that the verifier rejects: its C line, the reason, and the log on demand", async () => {
    const source = program("\tint *there = (int *)ctx->args[1];\n\n\treturn *there;");
    const error = await bpf.load(await bpf.compile(source, { name: "rejected" })).then(
      () => assert.fail("it loaded"),
      (e: unknown) => e as VerifierError,
    );
    assert.ok(error instanceof VerifierError);
    assert.equal(error.program, "handle");
    assert.equal(error.line, 9);
    assert.equal(error.reason, "R1 invalid mem access 'scalar'");
    assert.match(error.registers!, /^R1=scalar\(/);
    assert.match(
      error.message,
      /\nrejected\.bpf\.c:9: there is a number to the verifier, .*\n9 \| \treturn \*there;\n {2}\| \t {8}\^\n/,
    );
    assert.match(error.message, /\nThe verifier: R1 invalid mem access 'scalar'\n/);
    assert.match(error.log, /processed \d+ insns/);
    assert.doesNotMatch(error.message, /processed \d+ insns/);
  });

  test("a rejected line of a header: the header's name and line, not the source's", async () => {
    const dir = await mkdtemp(join(tmpdir(), "bpflab-header-"));
    await writeFile(
      join(dir, "follow.h"),
      "\n\nstatic __always_inline int follow(int *there)\n{\n\treturn *there;\n}\n",
    );
    const source = program("\treturn follow((int *)ctx->args[1]);").replace("\n", '\n#include "follow.h"\n');
    const error = await bpf
      .compile(source, { name: "rejected_in_header", include: [dir] })
      .then(bpf.load)
      .then(
        () => assert.fail("it loaded"),
        (e: unknown) => e as VerifierError,
      );
    await rm(dir, { recursive: true });
    assert.ok(error instanceof VerifierError, String(error));
    assert.deepEqual([error.file, error.line], ["follow.h", 5]);
    assert.match(
      error.message,
      /follow\.h:5: .*\n5 \| return \*there;\nThe verifier: R\d invalid mem access 'scalar'\n/,
    );
  });

  test("unknown names: the names there are", async () => {
    await assert.rejects(bpf.load("ringbuff" as "ringbuf"), {
      name: "ArgumentError",
      message: /There is no program "ringbuff"\.\nThe shipped programs are .*minimal.*ringbuf/,
    });
    const hashmap = await bpf.load("hashmap");
    const untyped = hashmap as any;
    const expect = (act: () => unknown, message: RegExp) =>
      assert.throws(act, (e: Error) => e instanceof ArgumentError && message.test(e.message));
    expect(() => untyped.maps.match, /hashmap has no map "match"\.\nIt has: match_map\./);
    expect(
      () => untyped.programs.handle_entry,
      /hashmap has no program "handle_entry"\.\nIt has: handle_enter and handle_exit\./,
    );
    expect(
      () => (untyped.globals.treshold = 1),
      /hashmap\.globals has no global "treshold"\.\nIt has: watched_pid, unmatched and print\./,
    );
    expect(() => untyped.events("rb"), /hashmap has no ring buffer "rb"\.\nIt has: none\./);
    await assert.rejects(
      bpf.load("hashmap", { constants: { own_pid: 1 } as never }),
      /hashmap has no constant "own_pid"\.\nIt has: own_tgid and own_parent_tgid\./,
    );
    await assert.rejects(bpf.load("hashmap", { maxEntries: { matches: 1 } as never }), /hashmap has no map "matches"/);
  });

  test("a value out of range: the field and its range", async () => {
    const { globals, maps } = await bpf.load("hashmap");
    const expect = (act: () => unknown, message: RegExp) =>
      assert.throws(act, (e: Error) => e instanceof ArgumentError && message.test(e.message));
    expect(
      () => (globals.watched_pid = -1),
      /^hashmap\.globals\.watched_pid: expected an integer from 0 to 4294967295, got -1\.$/,
    );
    expect(() => ((globals as any).print = 1), /^hashmap\.globals\.print: expected true or false, got 1\.$/);
    expect(
      () => maps.match_map.set(1, { ts: 1, fd: 2 ** 31 }),
      /^match_map value\.fd: expected an integer from -2147483648 to 2147483647/,
    );
    expect(
      () => maps.match_map.set(1, { ts: 1, fdd: 2 } as any),
      /match_map value has no field "fdd"\.\nIt has: ts and fd\./,
    );
    expect(
      () => maps.match_map.get("one" as any),
      /^match_map key: expected an integer from 0 to 4294967295, got "one"\.$/,
    );
  });

  test("a full map", async () => {
    const { maps } = await bpf.load("hashmap", { maxEntries: { match_map: 2 } });
    maps.match_map.set(1, { ts: 1, fd: 1 });
    maps.match_map.set(2, { ts: 1, fd: 1 });
    assert.throws(
      () => maps.match_map.set(3, { ts: 1, fd: 1 }),
      /The map hashmap\.match_map is full: it holds at most 2 entries\.\n/,
    );
  });

  test("a tracepoint that does not exist: the nearest names", async () => {
    const object = await bpf.load(
      await bpf.compile(program("\treturn 0;", "tp/syscalls/sys_enter_wrte"), { name: "misspelt" }),
    );
    await assert.rejects(
      object.attach(),
      (e: Error) =>
        e instanceof AttachError &&
        /There is no tracepoint syscalls\/sys_enter_wrte.*\n.*sys_enter_write/.test(e.message),
    );
    assert.equal(object.attached, false);
  });

  test("use after close, and a collect that cannot begin", async () => {
    const object = await bpf.load("ringbuf");
    const stream = object.events("rb");
    const { programs, globals, maps } = object;
    object.close();
    for (const act of [
      () => programs.handle_exit.stats(),
      () => globals.watched_pid,
      () => handleOf(maps.begun_map),
      () => object.events("rb"),
    ]) {
      assert.throws(
        act,
        (e: Error) => e instanceof ClosedError && /is closed\.\nRun the cell that loads it again\./.test(e.message),
      );
    }
    await assert.rejects(object.attach(), ClosedError);
    await assert.rejects(collect(stream), /The stream failed after 0 events: The BPF object ringbuf is closed\./);
    assert.throws(
      () => collect(stream, { seconds: -1 }),
      /seconds: expected a number above 0 and up to 2147483, got -1/,
    );
  });
});
