/** A process that does what users do, in an order that its seed gives, until somebody ends it. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bpf, capture, collect, latency, net } from "../../dist/api/index.js";
import { inScratch } from "../../dist/base/scratch.js";
import { seeded } from "./seeded.js";

const [seed = "1", directory = mkdtempSync(join(tmpdir(), "bpflab-busy-"))] = process.argv.slice(2);
const random = seeded(Number(seed));

const counter = (answer: number) => `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 calls;
SEC("tp/syscalls/sys_enter_write") int count(void *ctx) { calls += ${answer}; return 0; }`;

const steps: Record<string, () => Promise<unknown>> = {
  compile: () => bpf.compile(counter(Math.floor(random() * 1e6)), { name: "busy" }),
  swap: async () => (await bpf.load(await bpf.compile(counter(Math.floor(random() * 3)), { name: "busy" }))).attach(),
  drain: async () => {
    const size = random() < 0.5 ? 1 << 16 : 1 << 20;
    const ringbuf = await (await bpf.load("ringbuf", { maxEntries: { rb: size } })).attach();
    const writes = await collect(ringbuf.events("rb"), { seconds: 0.05 });
    latency.summary(writes, { by: "comm" });
    await capture.save(writes, join(directory, "writes.parquet"));
  },
  flood: async () => {
    using lab = await net.playground({ peers: 1 });
    const filter = await bpf.load("tc_icmp_filter");
    await filter.attach({ interface: lab.interface });
    await lab.peers[0]!.ping({ count: 200, flood: true });
  },
  scratch: () => inScratch("bpflab-report-", () => new Promise((resolve) => setTimeout(resolve, 20))),
};

// Takes memory until the kernel ends it.
process.on("SIGUSR2", () => {
  for (const taken = []; ;) taken.push(Buffer.alloc(1 << 20, 1));
});

console.log("ready");
for (;;) {
  const names = Object.keys(steps);
  await steps[names[Math.floor(random() * names.length)]!]!();
}
