import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { ArgumentError, bpf, collect } from "../../dist/api/index.js";
import { parseBpfLine } from "../../dist/jupyter/bpf/bpf-line.js";
import { corpusSource } from "../corpus/corpus.js";

const license = 'char LICENSE[] SEC("license") = "GPL";';

/** A program that returns the value of a C expression. */
const returning = (head: string, expression: string) => `${head}
#include <bpf/bpf_helpers.h>
${license}
SEC("raw_tp") int answer(void *ctx) { return ${expression}; }
`;

describe("where programs come from", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "bpflab-sources-"));
  });
  afterEach(() => bpf.closeAll());
  after(() => rm(dir, { recursive: true }));

  const answer = async (source: string, options: Partial<bpf.CompileOptions> = {}) => {
    const object = await bpf.load(await bpf.compile(source, { name: "sources", ...options }));
    return object.programs["answer"]!.testRun().retval;
  };
  const refused = (act: () => Promise<unknown>, message: RegExp) =>
    assert.rejects(
      act,
      (error: unknown) => error instanceof ArgumentError && (assert.match(error.message, message), true),
    );

  test("macros and directories given to the compiler", async () => {
    await writeFile(join(dir, "own_header.h"), "#define FROM_HEADER 40\n");
    const source = returning(
      '#include "vmlinux.h"\n#include "own_header.h"',
      "FROM_HEADER + MORE + sizeof(struct task_struct) / 100000",
    );
    assert.equal(await answer(source, { include: [dir], define: { MORE: 2 } }), 42);
    const flagged = returning("#include <linux/bpf.h>", "\n#ifdef SET\n7\n#else\n8\n#endif\n");
    assert.equal(await answer(flagged, { define: { SET: true } }), 7);
    assert.equal(await answer(flagged), 8);
    await refused(() => answer(flagged, { define: { "A B": 1 } }), /^define: "A B" is not a valid name for a macro/);
  });

  test("a header beside the notebook", async () => {
    const here = process.cwd();
    await writeFile(join(dir, "beside.h"), "#define BESIDE 9\n");
    try {
      process.chdir(dir);
      assert.equal(await answer(returning('#include <linux/bpf.h>\n#include "beside.h"', "BESIDE")), 9);
    } finally {
      process.chdir(here);
    }
  });

  test("vmlinux.h through another header, in a comment, under #ifdef, and the user's own", async () => {
    await writeFile(join(dir, "through.h"), '#include "vmlinux.h"\n');
    assert.equal(await answer(returning('#include "through.h"', "sizeof(struct in6_addr)"), { include: [dir] }), 16);
    const plain = "#include <linux/bpf.h>\n#include <linux/in6.h>";
    for (const head of [
      `/*\n#include "vmlinux.h"\n*/\n${plain}`,
      `// #include "vmlinux.h"\n${plain}`,
      `#ifdef NEVER\n#include "vmlinux.h"\n#else\n${plain}\n#endif`,
    ])
      assert.equal(await answer(returning(head, "sizeof(struct in6_addr)")), 16);
    const own = await mkdtemp(join(dir, "own-"));
    await writeFile(
      join(own, "vmlinux.h"),
      "typedef unsigned int __u32; typedef unsigned long long __u64;\n#define MINE 5\nenum { BPF_MAP_TYPE_HASH = 1 };\n",
    );
    assert.equal(
      await answer(
        '#include "vmlinux.h"\n#define SEC(N) __attribute__((section(N), used))\n' +
          license +
          '\nSEC("raw_tp") int answer(void *ctx) { return MINE; }\n',
        { include: [own] },
      ),
      5,
    );
  });

  test("an object file, stripped of nothing, reads its rings; as itself it replaces itself", async () => {
    const { elf } = await bpf.compile(await corpusSource("ring_records"), { name: "ring_records" });
    const path = join(dir, "some-tool.bpf.o");
    await writeFile(path, elf);
    const opened = await bpf.open(path);
    assert.equal(opened.name, "some_tool");
    const object = await bpf.load(opened);
    const table = await collect(object.events("reserved"), {
      until: async () => void object.programs["reserve"]!.testRun(),
    });
    assert.equal(table.get("pid", 0), process.pid);
    assert.equal(await bpf.load(await bpf.open(path, { name: "some_tool" })), object, "nothing has changed");
    await refused(() => bpf.open(join(dir, "nothing.o")), /the file .*nothing\.o cannot be read/);
    await writeFile(path, "no object");
    await refused(() => bpf.open(path), /some-tool\.bpf\.o is not a BPF object that libbpf can open/);
  });

  test("adapts to the kernel whose types it is given", async () => {
    const source = returning(
      '#include "vmlinux.h"',
      "__builtin_preserve_field_info(((struct task_struct *)0)->pid, 0) > 0",
    );
    const compiled = await bpf.compile(source, { name: "adapted" });
    const object = await bpf.load(compiled, { btf: "/sys/kernel/btf/vmlinux" });
    assert.equal(object.programs["answer"]!.testRun().retval, 1);
    object.close();
    await assert.rejects(() => bpf.load(compiled, { btf: join(dir, "no-types") }), /no-types/);
  });

  test("several files linked into one program", async () => {
    const head = `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n`;
    const a = await bpf.compile(
      `${head}${license}\nextern int twice(int x);\nSEC("raw_tp") int answer(void *ctx) { return twice(21); }`,
      { name: "a" },
    );
    const b = await bpf.compile(`${head}__noinline int twice(int x) { return 2 * x; }`, { name: "b" });
    const whole = await bpf.load(await bpf.link([a, b], { name: "whole" }));
    assert.equal(whole.programs["answer"]!.testRun().retval, 42);
    await refused(() => bpf.link([a, a], { name: "twofold" }), /^a, a cannot be linked/);
  });

  test("sections with only static variables", async () => {
    const source = returning(
      "#include <linux/bpf.h>\nstatic volatile int hidden;\nstatic volatile long set = 5;",
      "(hidden += set)",
    );
    const object = await bpf.load(await bpf.compile(source, { name: "statics" }));
    assert.equal(object.programs["answer"]!.testRun().retval, 5);
    assert.deepEqual({ ...object.globals }, { hidden: 5, set: 5 });
    object.globals["set"] = 7;
    assert.equal(object.programs["answer"]!.testRun().retval, 12);
    assert.match(String((await import("node:util")).inspect(object)), /hidden\s+12/);
  });

  test("what a ring loses can be counted in a program that does not", async () => {
    const source = await corpusSource("ring_records");
    const object = await bpf.load(await bpf.compile(source, { name: "counting", countLost: true }), {
      maxEntries: { numbers: 4096 },
    });
    const stream = object.events("numbers");
    assert.equal(object.totals("numbers").lost, 0);
    let [runs, refusals] = [0, 0];
    // On a machine with other things to do the drain thread may for a while be as fast as this is.
    const fill = () => {
      for (const end = Date.now() + 60_000; (runs < 1000 || refusals === 0) && Date.now() < end; runs++)
        if (object.programs["count"]!.testRun().retval !== 0) refusals++;
    };
    const table = await collect(stream, { until: async () => fill() });
    const { delivered, lost } = object.totals("numbers");
    assert.ok(refusals > 0, "the ring was large enough after all, so this shows nothing");
    assert.equal(lost, refusals);
    assert.equal(delivered! + lost!, runs);
    assert.equal(table.numRows(), delivered);
    assert.equal(object.totals("reserved").lost, 0, "of another ring nothing is lost");
    assert.ok(!Object.keys(object.globals).some((name) => /loss/.test(name)));
  });

  test("a cell's first line says all this too", () => {
    const { compile } = parseBpfLine("tool -D MORE=2 -D SET -I headers --count-lost");
    assert.deepEqual(compile, { define: { MORE: "2", SET: true }, include: ["headers"], countLost: true });
    assert.throws(() => parseBpfLine("tool -D 1=2=3 --fast"), ArgumentError);
    const { attach, on, loading } = parseBpfLine(
      "tool --on interface=eth0,eth1 --on sample.frequency=99 --on sample.cpu=0 --without a --with b --target c=do_unlinkat --alternatives d,e --max-entries m=16",
    );
    assert.equal(attach, true);
    assert.deepEqual(on, { interface: ["eth0", "eth1"], programs: { sample: { frequency: 99, cpu: 0 } } });
    const programs = { a: false, b: true };
    const [targets, alternatives] = [{ c: "do_unlinkat" }, [["d", "e"]]];
    assert.deepEqual(loading, { constants: {}, maxEntries: { m: 16 }, programs, targets, alternatives });
    assert.throws(() => parseBpfLine("tool --on interface"), /Write key=value\./);
  });

  test("options that are not known are refused by name", async () => {
    const source = returning("#include <linux/bpf.h>", "0");
    const wrong = { name: "sources", includes: [dir] } as bpf.CompileOptions;
    await refused(() => bpf.compile(source, wrong), /^compile takes no option "includes"\.\nIt takes name, /);
    const compiled = await bpf.compile(source, { name: "sources" });
    const misspelt = { constant: { a: 1 } } as bpf.LoadOptions;
    await refused(() => bpf.load(compiled, misspelt), /^load takes no option "constant"\.\nIt takes constants, /);
  });

  test("what libbpf's headers have since 1.2", async () => {
    const newer = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
${license}
extern struct task_struct *bpf_task_from_pid(s32) __weak __ksym;
extern void no_such_function(void) __weak __ksym;
SEC("uprobe") int BPF_UPROBE(entered, int x) { return x; }
SEC("uretprobe") int BPF_URETPROBE(left, int x) { return x; }
SEC("raw_tp") int answer(void *ctx)
{
	int i, sum = 0;

	bpf_for(i, 3, 10) {
		if (i == 8)
			continue;
		sum += i;
	}
	bpf_repeat(5) sum += 100;
	return sum + 1000 * bpf_ksym_exists(bpf_task_from_pid) + 10000 * bpf_ksym_exists(no_such_function);
}
`;
    assert.equal(await answer(newer), 1000 + 500 + 34);
  });
});
