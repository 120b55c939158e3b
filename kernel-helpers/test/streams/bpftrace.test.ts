import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { bpf, collect } from "../../dist/api/index.js";
import { childrenUntil } from "../workload/children.js";
import { buildWriters } from "../workload/writers.js";

const script = (pid: number) => `
  tracepoint:syscalls:sys_enter_write /pid == ${pid}/ { @begun[tid] = nsecs; }
  tracepoint:syscalls:sys_exit_write /@begun[tid]/ { @took = hist(nsecs - @begun[tid]); delete(@begun[tid]); }
  interval:ms:200 { printf("tick\\n"); }
  END { clear(@begun); }`;

const owned = childrenUntil(afterEach);

/** Runs bpftrace until `during` is over; returns how many writes fell into each bucket [2^k, 2^(k+1)). */
async function bpftraceHistogram(pid: number, during: () => Promise<unknown>): Promise<Map<number, number>> {
  // bpftrace wants tracefs under its path: in a mount namespace of its own, so that nothing stays mounted here.
  const mounted =
    'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; exec "$0" "$@"';
  const args = ["--mount", "sh", "-c", mounted, "bpftrace", "-f", "json", "-e", script(pid)];
  const child = owned(spawn("unshare", args, { stdio: ["ignore", "pipe", "pipe"] }));
  let output = "";
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const attached = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      // It says "attached" before it attaches; at the second tick all probes are in place.
      if (output.split("tick").length > 2) resolve();
    });
    child.once("close", () => reject(new Error(`bpftrace ended: ${complaint}`)));
  });
  await attached;
  await during();
  child.kill("SIGINT"); // prints its maps and ends
  await once(child, "close");
  const buckets = new Map<number, number>();
  for (const line of output.split("\n").filter(Boolean)) {
    const message = JSON.parse(line) as { type: string; data: { "@took"?: { min: number; count: number }[] } };
    if (message.type === "hist") for (const { min, count } of message.data["@took"] ?? []) buckets.set(min, count);
  }
  return buckets;
}

describe("durations agree with bpftrace", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(async () => {
    bpf.closeAll();
    await workload.remove();
  });

  test("the share of each power-of-two bucket, for writes to a pipe whose reader sleeps", async () => {
    const writers = workload.start({ writes: 1200, bytes: 4096, slow_us: 300 });
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: writers.pid } })).attach();
    let theirs = new Map<number, number>();
    const table = await collect(ringbuf.events("rb"), {
      until: async () => void (theirs = await bpftraceHistogram(writers.pid, () => writers.run())),
    });
    ringbuf.close();

    const ours = new Map<number, number>();
    const duration = table.getter("duration_ns") as (row: number) => number;
    table.scan((row) => {
      const bucket = 2 ** Math.floor(Math.log2(duration(row!)));
      ours.set(bucket, (ours.get(bucket) ?? 0) + 1);
    });
    const total = (buckets: Map<number, number>) => [...buckets.values()].reduce((sum, n) => sum + n, 0);
    assert.equal(total(ours), 1200);
    assert.equal(total(theirs), 1200);
    assert.ok(ours.size >= 3, "the workload's durations should spread over several buckets");
    for (const bucket of new Set([...ours.keys(), ...theirs.keys()])) {
      const difference = (100 * Math.abs((ours.get(bucket) ?? 0) - (theirs.get(bucket) ?? 0))) / 1200;
      assert.ok(
        difference <= 3,
        `bucket from ${bucket} ns: ours ${ours.get(bucket) ?? 0}, bpftrace ${theirs.get(bucket) ?? 0} of 1200`,
      );
    }
  });
});
