/** The shipped programs as they are for older kernels, without what these lack. (On such kernels: `npm run test:kernels`.) */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { bpf, collect, net, type ShippedPrograms } from "../../dist/api/index.js";
import { buildWriters } from "../workload/writers.js";

const LACKING = ["MAP_TYPE_TASK_STORAGE", "FUNC_get_current_task_btf", "FUNC_loop", "FUNC_for_each_map_elem"];

/** A shipped program, compiled as for a kernel without these. */
async function older(name: keyof ShippedPrograms) {
  const { text } = await bpf.source(name);
  const head = ['#include "vmlinux.h"', ...LACKING.map((what) => `#undef BPF_${what}`)].join("\n");
  return bpf.compile(`${head}\n${text}`, { name: `older_${name}` });
}

describe("on a kernel that lacks task storage, callbacks and walks over maps", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  afterEach(() => bpf.closeAll());
  after(() => workload.remove());

  test("ringbuf sees every write of many threads", async () => {
    const writers = workload.start({ threads: 4, writes: 5000 });
    const ringbuf = await bpf.load<ShippedPrograms["ringbuf"]>(await older("ringbuf"), {
      globals: { watched_pid: writers.pid },
    });
    await ringbuf.attach();
    const events = await collect(ringbuf.events("rb"), { until: () => writers.run() });
    assert.equal(events.numRows(), 20_000);
    assert.deepEqual([...new Set(events.array("comm") as string[])], ["writers"]);
    assert.ok((events.array("duration_ns") as number[]).every((duration) => duration > 0));
  });

  test("stats counts every write", async () => {
    const writers = workload.start({ writes: 20_000 });
    const stats = await bpf.load<ShippedPrograms["stats"]>(await older("stats"), {
      globals: { watched_pid: writers.pid },
    });
    await stats.attach();
    const [thread] = await writers.run();
    assert.equal(stats.maps.stats_map.getSummed({ pid: writers.pid, fd: thread!.fd })!.writes, 20_000);
  });

  test("the filter answers as often as the threshold allows", async () => {
    const lab = await net.playground();
    try {
      const filter = await bpf.load<ShippedPrograms["tc_icmp_filter"]>(await older("tc_icmp_filter"), {
        globals: { mode: "filter", threshold: 50, block_seconds: 0 },
      });
      await filter.attach({ interface: lab.interface });
      const { sent, received } = await lab.peers[0]!.ping({ count: 200, intervalMs: 2, timeoutMs: 100 });
      assert.deepEqual([sent, received], [200, 50]);
    } finally {
      lab.close();
    }
  });
});
