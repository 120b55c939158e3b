import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bpf, type BpfObject } from "../../../dist/api/index.js";
import { hookTable } from "../../readme.js";
import { loadText } from "../../workload/programs.js";

// The README's table of hooks says what may stand in SEC() and which options there are: so does the product.

/** What stands for `…` in a row. */
const names: Record<string, string> = {
  tp: "sched/sched_switch",
  raw_tp: "sched_switch",
  tp_btf: "sched_switch",
  "kprobe.multi": "do_*",
  ksyscall: "openat",
  lsm: "file_open",
  sk_skb: "stream_verdict",
  cgroup_skb: "ingress",
  cgroup: "connect4",
  iter: "task",
  struct_ops: "ssthresh",
};
const sections = hookTable().flatMap((row) => row.sections.map((section) => ({ ...row, section })));

let object: BpfObject;
before(async () => {
  // None of them is loaded into the kernel, for this machine may not let each kind in: what is asked here is known before.
  const text = sections.map(({ section }, i) => {
    const [kind] = section.split("/") as [string];
    return `SEC("?${section.replace("…", names[kind] ?? "do_unlinkat")}") int at_${i}(void *ctx) { return 0; }\n`;
  });
  object = await loadText("readme", text.join(""));
});
after(() => bpf.closeAll());

test("the table of hooks is there", () => assert.ok(sections.length > 30, `${sections.length} sections`));

for (const [i, { section, options }] of sections.entries())
  test(`${section} takes ${options.join(", ") || "no options"}`, () => {
    const program = object.programs[`at_${i}`]!;
    const isByHand = section === "syscall" || section.startsWith("struct_ops");
    assert.equal(program.hasHook, !isByHand);
    assert.deepEqual([...program.takes].sort(), [...options].sort());
  });
