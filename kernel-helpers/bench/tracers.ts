import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { bpf } from "../dist/api/index.js";
import { buildBpf, buildC, Peer, peerSources, readerFigures, READER } from "./peers.js";
import type { Figures, Way } from "./suite.js";

/** What is run under a tracer: it makes writes and says how they went. */
export type Workload = () => Promise<Figures>;

const MATCHED =
  "tracepoint:syscalls:sys_enter_write { @begun[tid] = nsecs; } tracepoint:syscalls:sys_exit_write /@begun[tid]/";
/** It says "attached" before it is. */
const TICKS = 'interval:ms:200 { printf("tick\\n"); }';

/** No tracing at all. */
export const nothing = (name: string, workload: Workload): Way => ({ name, run: workload });

/** A BPF object in this process that nobody reads: two programs that return 0. */
export async function floor(name: string, workload: Workload): Promise<Way> {
  const programs = ["enter", "exit"].map(
    (end) => `SEC("tp/syscalls/sys_${end}_write") int handle_${end}(void *ctx) { return 0; }`,
  );
  const compiled = await bpf.compile(
    `#include "bpflab.h"\nchar LICENSE[] SEC("license") = "GPL";\n${programs.join("\n")}`,
    { name: "floor" },
  );
  return {
    name,
    async run() {
      const object = await (await bpf.load(compiled)).attach();
      return workload().finally(() => object.close());
    },
  };
}

/** Ours: a process that collects each event of `program` into a table; a shipped one, or one of the peers' directory (`.bpf.c`). */
export const ours = (name: string, program: string, workload: Workload): Way =>
  reader(name, [...READER, program.endsWith(".bpf.c") ? join(peerSources, program) : program, "rb"], workload);

/** The design that a first course teaches, in C over libbpf, which stores or prints each record. */
export async function handout(name: string, scratch: string, how: "store" | "print", workload: Workload): Promise<Way> {
  const executable = await buildC("handout", scratch, ["-lbpf"]);
  return reader(name, [executable, await buildBpf("handout", scratch), how], workload, true);
}

function reader(name: string, command: string[], workload: Workload, tracefs = false): Way {
  return {
    name,
    async run() {
      const peer = await Peer.start(command, { tracefs });
      const figures = await workload();
      return { ...figures, ...readerFigures(await peer.end()) };
    },
  };
}

/** bpftrace with a histogram in the kernel: no event leaves it. */
export const bpftraceHistogram = (name: string, workload: Workload): Way => ({
  name,
  async run() {
    const script = `${MATCHED} { @ = hist(nsecs - @begun[tid]); delete(@begun[tid]); } ${TICKS}`;
    const peer = await Peer.start(["bpftrace", "-e", script], { tracefs: true, ready: /tick[\s\S]*tick/ });
    const figures = await workload();
    await peer.end("SIGINT");
    return figures;
  },
});

/** bpftrace printing a line for each write of the workload, into a file. */
export const bpftracePrint = (name: string, scratch: string, workload: Workload): Way => ({
  name,
  async run() {
    const out = join(scratch, "bpftrace.out");
    // Its file is buffered: a tick has to be long to be seen.
    const script = `${MATCHED} { if (comm == "writer") { printf("%s %d %d %d\\n", comm, pid, tid, nsecs - @begun[tid]); } delete(@begun[tid]); } interval:ms:200 { printf("${" ".repeat(8192)}tick\\n"); }`;
    await rm(out, { force: true });
    const peer = await Peer.start(["bpftrace", "-o", out, "-e", script], { tracefs: true, ready: /^/ });
    await ticks(out);
    const figures = await workload();
    await peer.end("SIGINT");
    const { stdout } = await execa("grep", ["-c", "^writer ", out], { reject: false });
    return { ...figures, events: Number(stdout) };
  },
});

/** Waits until a file has a second tick. */
async function ticks(file: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (/tick\n[\s\S]*tick\n/.test(await readFile(file, "utf8").catch(() => ""))) return;
    await delay(50);
  }
  throw new Error("bpftrace did not begin");
}
