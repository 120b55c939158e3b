import assert from "node:assert/strict";
import { rmdirSync } from "node:fs";
import { after, describe, test } from "node:test";
import { bpf, captureOf, collect } from "../../dist/api/index.js";

/** Prints once for each rmdir(2) of this process. */
const printer = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
SEC("tp/syscalls/sys_enter_rmdir")
int on_rmdir(void *ctx)
{
  if (is_own_process())
    bpf_printk("removed");
  return 0;
}`;

/** Sends an event for each line that is printed, and prints one itself: that meets its own hook, where it runs already. */
const counter = `
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
struct printed { __u64 at_ns; };
RING_BUFFER(prints, struct printed, 65536);
SEC("raw_tp/bpf_trace_printk")
int on_print(void *ctx)
{
  struct printed *one = event_reserve(prints);
  if (!one)
    return 0;
  one->at_ns = bpf_ktime_get_ns();
  event_submit(prints, one);
  bpf_printk("counted");
  return 0;
}`;

const print = (times: number) => {
  for (let n = 0; n < times; n++) assert.throws(() => rmdirSync("/nowhere/at/all"));
};

describe("runs that the kernel skips", () => {
  after(() => bpf.closeAll());

  test("are told with the events", async () => {
    await (await bpf.load(await bpf.compile(printer, { name: "printer" }))).attach();
    const counting = await bpf.load(await bpf.compile(counter, { name: "counter" }));
    await counting.attach();
    print(2); // before anybody looked
    const table = await collect(counting.events("prints"), { until: async () => print(5) });
    assert.equal(table.numRows(), 5);
    assert.deepEqual(captureOf(table)?.notes, [
      "The kernel skipped 5 runs of on_print, because their CPU was inside a BPF program or a change of a map: what these would have seen is missing.",
    ]);
    const none = await collect(counting.events("prints"), { until: async () => {} });
    assert.equal(captureOf(none)?.notes, undefined);
  });
});
