import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CellConverter } from "../../dist/jupyter/typescript/converter.js";

const directory = mkdtempSync(join(tmpdir(), "bpflab-hook-types-"));
symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(directory, "node_modules"));

describe("a cell knows the fields of the hooks that it names", () => {
  const cells = new CellConverter(directory);
  after(() => {
    cells.service.service.dispose();
    rmSync(directory, { recursive: true });
  });
  /** What is wrong with a cell. */
  const wrong = (cell: string) =>
    cells
      .convert(`import { probe, op } from "kernel-helpers";\n${cell}`)
      .diagnostics.map(({ messageText }) => messageText.split("\n")[0]);

  test("a wrong field does not compile, and a right one has its type", () => {
    const openat = 'probe("tp/syscalls/sys_enter_openat")';
    assert.deepEqual(wrong(`${openat}.filter(d => d.filenam > 0)`), [
      "Property 'filenam' does not exist on type '{ time_ns: number; pid: number; tid: number; comm: string; uid: number; cpu: number; cgroup: number; kernel_stack: string; user_stack: string; dfd: number; filename: number; flags: number; mode: number; }'. Did you mean 'filename'?",
    ]);
    assert.deepEqual(wrong(`${openat}.filter(d => d.comm === "cat" && d.dfd < 0 && op.str(d.filename) === "x")`), []);
    assert.match(wrong(`${openat}.filter(d => d.comm > 3)`)[0]!, /'string' and 'number'/);
    assert.match(
      wrong(`${openat}.derive({ twice: d => d.dfd * 2 }).filter(d => d.twise > 3)`)[0]!,
      /'twise' does not exist/,
    );
  });

  test("a pair has the fields of both ends; pointers to structs lead anywhere", () => {
    const pair = 'probe("tp/syscalls/sys_enter_read").to("tp/syscalls/sys_exit_read")';
    assert.deepEqual(wrong(`${pair}.filter((d, $) => d.fd === 3 && d.ret > 0 && d.duration_ns > $.slow)`), []);
    assert.match(wrong(`${pair}.filter(d => d.rett > 0)`)[0]!, /'rett' does not exist/);
    assert.deepEqual(wrong('probe("tp_btf/sched_switch").filter(d => d.prev.mm.owner.pid > 1 && d.preempt)'), []);
  });

  test("hooks that are not known, patterns and one's own types stay open", () => {
    assert.deepEqual(wrong('probe("tp/sched/nothing_of_that_name").filter(d => d.anything > 1)'), []);
    assert.deepEqual(wrong('probe("tp/syscalls/sys_enter_*").filter(d => d.probe === "x")'), []);
    assert.deepEqual(
      wrong('const hook: string = "tp/sched/sched_switch"; probe(hook).filter(d => d.prev_pid > 1)'),
      [],
    );
    assert.match(
      wrong('probe<{ mine: number }>("tp/sched/sched_switch" as string).filter(d => d.other > 1)')[0]!,
      /'other' does not exist/,
    );
  });

  test("Tab after d. offers the hook's fields", () => {
    const source = 'import { probe } from "kernel-helpers";\nprobe("tp/syscalls/sys_exit_read").filter(d => d.';
    const { prelude } = cells.place(source);
    const { current, service } = cells.service;
    const offered = service
      .getCompletionsAtPosition(current, prelude.length + source.length, {})!
      .entries.map(({ name }) => name);
    assert.deepEqual([...offered].sort(), [
      "cgroup",
      "comm",
      "cpu",
      "kernel_stack",
      "pid",
      "ret",
      "tid",
      "time_ns",
      "uid",
      "user_stack",
    ]);
  });
});
