import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { net, type BpfObject, type Hook } from "../../../dist/api/index.js";
import { callMkfifo, group, hits, lab, ping, sendThree, useHookLab } from "../../workload/hook-lab.js";
import { counting, loadText } from "../../workload/programs.js";
import { idsOf } from "../../workload/kernel-state.js";

// A rerun puts the new program where the old one was, with the options that it was given, and one only.

useHookLab();

interface Case {
  text: string;
  /** What the rerun's C is, when SEC() is another; by default only the text differs. */
  then?: string;
  on?: () => Hook;
  act: () => unknown;
  expected: number;
}

/** Netfilter sees what comes in by all interfaces. */
const onLab = "__u32 ifindex;\n";
const isOnLab = "ctx->state->in && ctx->state->in->ifindex == ifindex";
const packets = "ctx->len == 98";
const cases: Record<string, Case> = {
  xdp: {
    text: counting("xdp", "struct xdp_md", "XDP_PASS", "ctx->data_end - ctx->data == 98"),
    on: () => ({ interface: lab.interface, mode: "generic" }),
    act: ping,
    expected: 5,
  },
  "tc that becomes tcx/ingress": {
    text: counting("tc", "struct __sk_buff", -1, packets),
    then: counting("tcx/ingress", "struct __sk_buff", -1, packets),
    on: () => ({ interface: lab.interface }),
    act: ping,
    expected: 5,
  },
  "a control group": {
    text: counting("cgroup_skb/egress", "struct __sk_buff", 1),
    on: () => ({ cgroup: group.path }),
    act: sendThree,
    expected: 3,
  },
  "netfilter, where two of one priority cannot be": {
    text: `${onLab}${counting("netfilter", "struct bpf_nf_ctx", 1, isOnLab)}`,
    on: () => ({ at: "input", priority: 21 }),
    act: ping,
    expected: 5,
  },
  "a socket filter": {
    text: counting("socket", "struct __sk_buff", 0, packets),
    on: () => ({ interface: lab.interface }),
    act: ping,
    expected: 10,
  },
  "a uprobe": {
    text: counting("uprobe", "void"),
    on: () => ({ path: "libc.so.6", function: "mkfifo" }),
    act: () => callMkfifo(1),
    expected: 1,
  },
  "a uprobe whose SEC() names another function then": {
    text: counting("uprobe", "void"),
    then: counting("uprobe/libc.so.6:mkfifo", "void"),
    on: () => ({ path: "libc.so.6", function: "mkfifoat" }),
    act: () => callMkfifo(1),
    expected: 1,
  },
};

const indexOfLab = () => net.interfaces().find(({ name }) => name === lab.interface)!.index;

/** Ids of the links that this process holds. */
const links = () => idsOf("link_id").size;

describe("a rerun", () => {
  for (const [name, { text, then = `${text}/* again */`, on, act, expected }] of Object.entries(cases))
    test(name, async () => {
      const hitsOf = (object: BpfObject) => {
        if ("ifindex" in object.globals) object.globals["ifindex"] = indexOfLab();
        return hits(object, act);
      };
      const first = await (await loadText("rerun", text)).attach(on?.());
      const held = links();
      const second = await loadText("rerun", then);
      assert.deepEqual([first.closed, second.attached], [true, true]);
      assert.equal(await hitsOf(second), expected);
      assert.equal(links(), held);
      // What the verifier rejects leaves the one that runs alone.
      await assert.rejects(
        loadText(
          "rerun",
          `${then}SEC("xdp") int bad(struct xdp_md *ctx) { return *(int *)(long)ctx->rx_queue_index; }`,
        ),
      );
      assert.equal(await hitsOf(second), expected);
    });

  test("what cannot be attached again leaves the old one where it is", async () => {
    const text = `${onLab}${counting("netfilter", "struct bpf_nf_ctx", 1, isOnLab)}`;
    const first = await (await loadText("rerun", text)).attach({ at: "input", priority: 22 });
    // A program of the same name that has nothing to do with netfilter: it needs an interface, which nobody names.
    await assert.rejects(loadText("rerun", counting("xdp", "struct xdp_md", "XDP_PASS")), /must be named/);
    assert.equal(first.attached, true);
    first.globals["ifindex"] = indexOfLab();
    await ping();
    assert.equal(first.globals["hits"], 5);
  });
});
