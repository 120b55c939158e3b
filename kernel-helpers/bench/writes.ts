import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bpf, captureOf, collect } from "../dist/index.js";

/** What one instrumentation did in one round. */
export interface WriteRun {
  /** Wall time of a write, µs, the process's start included. */
  us_per_write: number;
  /** Events that reached user space; undefined where none are meant to. */
  events?: number;
  lost?: number;
  /** User and system time of the reader, µs per event. */
  reader_us_per_event?: number;
}

/** One way to look at writes: runs the workload under it. */
export interface Instrumentation {
  name: string;
  run(writes: number): Promise<WriteRun>;
}

/** Makes so many one-byte writes to /dev/null; returns µs a write. */
async function workload(writes: number): Promise<number> {
  const begun = performance.now();
  const dd = spawn("dd", ["if=/dev/zero", "of=/dev/null", "bs=1", `count=${writes}`, "status=none"], { stdio: "ignore" });
  await once(dd, "close");
  return (1000 * (performance.now() - begun)) / writes;
}

const none: Instrumentation = { name: "no tracing", run: async (writes) => ({ us_per_write: await workload(writes) }) };

const floor: Instrumentation = {
  name: "two programs that return 0",
  async run(writes) {
    const source = ["enter", "exit"].map((end) => `SEC("tp/syscalls/sys_${end}_write") int handle_${end}(void *ctx) { return 0; }`).join("\n");
    const object = await bpf.load(await bpf.compile(`#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\n${source}`, { name: "floor" }));
    await object.attach();
    try {
      return { us_per_write: await workload(writes) };
    } finally {
      object.close();
    }
  },
};

const ours: Instrumentation = {
  name: "bpflab ringbuf, every event in a table",
  async run(writes) {
    const ringbuf = await (await bpf.load("ringbuf")).attach();
    try {
      let us_per_write = 0;
      const before = process.cpuUsage();
      const table = await collect(ringbuf.events("rb"), { until: async () => void (us_per_write = await workload(writes)) });
      const used = process.cpuUsage(before);
      return { us_per_write, events: table.numRows(), lost: captureOf(table)!.lost, reader_us_per_event: (used.user + used.system) / table.numRows() };
    } finally {
      ringbuf.close();
    }
  },
};

/** Waits until a text has come out of a process. */
async function printed(child: ChildProcess, text: string, times = 1): Promise<void> {
  let output = "";
  for await (const [part] of onData(child)) {
    output += String(part);
    if (output.split(text).length > times) return;
  }
  throw new Error(`${child.spawnfile} ended before it was ready`);
}

async function* onData(child: ChildProcess): AsyncGenerator<[unknown]> {
  const closed = once(child, "close").then(() => undefined);
  for (;;) {
    const next = await Promise.race([once(child.stdout!, "data"), closed]);
    if (!next) return;
    yield next as [unknown];
  }
}

const bpftrace: Instrumentation = {
  name: "bpftrace, a histogram, no events",
  async run(writes) {
    const script = `tracepoint:syscalls:sys_enter_write { @begun[tid] = nsecs; }
      tracepoint:syscalls:sys_exit_write /@begun[tid]/ { @ = hist(nsecs - @begun[tid]); delete(@begun[tid]); }
      interval:ms:200 { printf("tick\\n"); }`;
    const mounted = 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec "$0" "$@"';
    const child = spawn("unshare", ["--mount", "sh", "-c", mounted, "bpftrace", "-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    await printed(child, "tick", 2); // it says "attached" before it attaches
    child.stdout!.resume();
    try {
      return { us_per_write: await workload(writes) };
    } finally {
      child.kill("SIGINT");
      await once(child, "close");
    }
  },
};

const benchDir = fileURLToPath(new URL("../../native/bench/", import.meta.url));

/** Compiles the hand-out's C program into a directory. */
export async function handout(dir: string): Promise<Instrumentation> {
  const { elf } = await bpf.compile(await readFile(join(benchDir, "handout.bpf.c"), "utf8"), { name: "handout", include: [benchDir] });
  await writeFile(join(dir, "handout.bpf.o"), elf);
  await execa("cc", ["-O2", join(benchDir, "handout.c"), "-o", join(dir, "handout"), "-lbpf"]);
  return {
    name: "the hand-out's design, libbpf in C",
    async run(writes) {
      // It attaches through a mounted tracefs.
      const mounted = 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec "$0" "$@"';
      const child = spawn("unshare", ["--mount", "sh", "-c", mounted, join(dir, "handout"), join(dir, "handout.bpf.o")], { stdio: ["pipe", "pipe", "ignore"] });
      await printed(child, "ready");
      const us_per_write = await workload(writes);
      let report = "";
      child.stdout!.on("data", (part) => (report += String(part)));
      child.stdin!.end();
      await once(child, "close");
      const [events, lost, cpu] = report.trim().split(" ").map(Number) as [number, number, number];
      return { us_per_write, events, lost, reader_us_per_event: cpu / 1000 / events };
    },
  };
}

/** All instrumentations, in the order in which they are run in each round. */
export async function instrumentations(dir: string): Promise<Instrumentation[]> {
  return [none, floor, ours, bpftrace, await handout(dir)];
}
