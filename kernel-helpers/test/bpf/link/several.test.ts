import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { bpf, VerifierError } from "../../../dist/api/index.js";
import { counting, loadText, refusalOf } from "../../workload/programs.js";

afterEach(() => bpf.closeAll());

describe("several programs of one object", () => {
  const three = [
    ["by_xdp", "xdp"],
    ["by_uprobe", "uprobe"],
    ["by_tracepoint", "tp/sched/sched_switch"],
  ]
    .map(([name, section]) => counting(section!, "void").replace("count", name!))
    .join("");

  test("what cannot be attached is named, with how to do without it; the others are as asked", async () => {
    const object = await loadText("mine", three);
    const error = await refusalOf(object.attach());
    assert.match(
      error.message,
      /^2 programs of mine cannot be attached:\n- The program by_xdp .*\n {2}For example .*\n- The program or library that by_uprobe .*\n {2}For.*\nattach\(\{ programs: \{ by_xdp: false, by_uprobe: false \} \}\) attaches the others\.$/,
    );
    assert.equal(object.attached, false, "a part of it stays attached");
    const one = await refusalOf(object.attach({ programs: { by_uprobe: { path: "libc.so.6", function: "malloc" } } }));
    assert.match(one.message, /\nattach\(\{ programs: \{ by_xdp: false \} \}\) attaches the others\.$/);
    await object.attach({ programs: { by_xdp: false, by_uprobe: { path: "libc.so.6", function: "malloc" } } });
    assert.deepEqual(
      Object.values(object.programs).map((program) => program.attached),
      [false, true, true],
    );
    await assert.rejects(
      object.attach({ programs: { nosuch: false } }),
      /mine has no program "nosuch"\.\nIt has: by_xdp, by_uprobe and by_tracepoint\./,
    );
  });

  test('left out when it is loaded, by name or by SEC("?…"), and taken in', async () => {
    const rejected = 'SEC("xdp") int rejected(struct xdp_md *ctx) { return *(int *)(long)ctx->rx_queue_index; }\n';
    const sleeping = counting("tp/sched/sched_switch", "void");
    await assert.rejects(loadText("mine", rejected + sleeping), VerifierError);
    const object = await (await loadText("mine", rejected + sleeping, { programs: { rejected: false } })).attach();
    assert.equal(object.programs["rejected"]!.isLoaded, false);
    await assert.rejects(
      object.programs["rejected"]!.attach({ interface: "lo" }),
      /was left out when its object was loaded\.\nLoad it with programs: \{ rejected: true \}/,
    );
    const marked = rejected.replace('"xdp"', '"?xdp"') + sleeping;
    await (await loadText("marked", marked)).attach();
    await assert.rejects(loadText("marked", marked, { programs: { rejected: true } }), VerifierError);
  });

  test("what a program is about, where SEC() does not say it", async () => {
    const text = counting("tp_btf", "void");
    const object = await (await loadText("mine", text, { targets: { count: "sched_switch" } })).attach();
    assert.equal(object.attached, true);
    const wrong: [bpf.LoadOptions["targets"], RegExp][] = [
      [{ nosuch: "sched_switch" }, /has no program "nosuch"/],
      [{ count: "sched_swich" }, /^ArgumentError: targets\.count: this kernel's BTF has no sched_swich/],
      [{ count: 7 as never }, /^ArgumentError: targets\.count: expected a name, or \{ program \}/],
    ];
    for (const [targets, message] of wrong) await assert.rejects(loadText("wrong", text, { targets }), message);
  });

  test("alternatives: the first that loads", async () => {
    const text =
      'SEC("xdp") int rejected(struct xdp_md *ctx) { return *(int *)(long)ctx->rx_queue_index; }\n' +
      counting("tp/sched/sched_switch", "void") +
      counting("raw_tp/sched_switch", "void").replace("count", "third");
    const object = await loadText("mine", text, { alternatives: [["rejected", "count", "third"]] });
    await object.attach();
    assert.deepEqual(
      Object.values(object.programs).map((program) => [program.name, program.isLoaded]),
      [
        ["rejected", false],
        ["count", true],
        ["third", false],
      ],
    );
    const sized = `struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); } m SEC(".maps");
SEC("raw_tp/sched_switch") int use(void *ctx) { int key = 0; return bpf_map_lookup_elem(&m, &key) != 0; }`;
    const withSize = await loadText("sized", sized, { maxEntries: { m: 4 }, alternatives: [["use"]] });
    assert.equal(withSize.programs["use"]!.isLoaded, true);
    await assert.rejects(
      loadText("mine", text, { alternatives: [["rejected"]] }),
      /^ArgumentError: None of the alternatives rejected of mine loads on this kernel:\n- rejected: The kernel's verifier rejects/,
    );
  });
});
