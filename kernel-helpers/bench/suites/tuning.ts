import { closeSync, openSync, writeSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { bpf } from "../../dist/api/index.js";
import { vmlinux } from "../../dist/clang/vmlinux.js";
import { buildC, Peer, peerSources } from "../peers.js";
import { figure, median, type Figures, type Suite, type Way } from "../suite.js";

const OURS = "bpflab";
const CHANGES = 20;

/** Says when a program begins to work by a new threshold; it looks at every write of the machine. */
const tuned = `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

__u64 threshold = 0, acted_on = 0, acted_ns = 0;

SEC("tp/syscalls/sys_enter_write")
int on_write(void *ctx)
{
	__u64 now = threshold;

	if (now == acted_on)
		return 0;
	acted_ns = bpf_ktime_get_ns();
	acted_on = now;
	return 0;
}`;

async function ms(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** A source that was never compiled: a change of C has to change something. */
let editions = Date.now();
const changed = (source: string) => `${source}\n__u64 edition = ${++editions};\n`;

/** How long a change of a global takes to act, in a program that a stream of writes runs. */
async function threshold(writer: string): Promise<number> {
  const object = await (await bpf.load(await bpf.compile(tuned, { name: "tuned" }))).attach();
  const globals = object.globals as { threshold: number; acted_on: number; acted_ns: number };
  const writes = execa(writer, ["1", "100000000"], { reject: false });
  try {
    const delays: number[] = [];
    for (let value = 1; value <= CHANGES; value++) {
      const begun = Number(process.hrtime.bigint()); // CLOCK_MONOTONIC, as the program reads it
      globals.threshold = value;
      const until = performance.now() + 1000;
      while (globals.acted_on !== value) {
        if (performance.now() > until) throw new Error("the program did not act on a changed global");
        await sleep(1);
      }
      delays.push((globals.acted_ns - begun) / 1e6);
    }
    return median(delays);
  } finally {
    writes.kill("SIGKILL");
    await writes;
    object.close();
  }
}

/** Starts bpftrace, and is back when it has seen a first event: it says "attached" before it is. */
async function bpftrace(): Promise<Peer> {
  const file = openSync("/dev/null", "w");
  const writes = setInterval(() => writeSync(file, "x"), 1);
  try {
    const script = `tracepoint:syscalls:sys_enter_write /pid == ${process.pid} && @seen == 0/ { @seen = 1; printf("ready\\n"); } tracepoint:syscalls:sys_exit_write { @ = count(); }`;
    return await Peer.start(["bpftrace", "-e", script], { tracefs: true });
  } finally {
    clearInterval(writes);
    closeSync(file);
  }
}

/** From a change to its effect. */
export const tuning: Suite = {
  name: "tuning",
  title:
    "from a changed line of C to the program attached in the old one's place, and from a changed threshold to its effect",
  rounds: 5,
  async prepare(scratch) {
    const cache = process.env["XDG_CACHE_HOME"];
    process.env["XDG_CACHE_HOME"] = join(scratch, "cache"); // what is compiled here is of no use to anybody later
    const { dir: types } = await vmlinux();
    const writer = await buildC("writer", scratch);
    const loader = await buildC("handout", scratch, ["-lbpf"]);
    const [ours, theirs] = await Promise.all([
      bpf.source("ringbuf").then(({ text }) => text),
      readFile(join(peerSources, "handout.bpf.c"), "utf8"),
    ]);
    const [source, object] = [join(scratch, "changed.bpf.c"), join(scratch, "changed.bpf.o")];
    const start = () => Peer.start([loader, object, "store"], { tracefs: true });
    const ways: Way[] = [
      {
        name: OURS,
        async run(): Promise<Figures> {
          await (await bpf.load(await bpf.compile(changed(ours), { name: "ringbuf" }))).attach();
          const changed_c_ms = await ms(async () => bpf.load(await bpf.compile(changed(ours), { name: "ringbuf" })));
          bpf.closeAll();
          return { changed_c_ms, changed_threshold_ms: await threshold(writer) };
        },
      },
      {
        name: "clang, and a libbpf C program started again",
        async run() {
          let peer: Peer;
          await writeFile(source, changed(theirs));
          const changed_c_ms = await ms(async () => {
            await execa("clang", [
              "-target",
              "bpf",
              "-mcpu=v3",
              "-O2",
              "-g",
              "-I",
              types,
              "-I",
              peerSources,
              "-c",
              source,
              "-o",
              object,
            ]);
            peer = await start();
          });
          const changed_threshold_ms = await ms(async () => {
            await peer.end(); // its threshold is a constant that it sets when it loads
            peer = await start();
          });
          await peer!.end();
          return { changed_c_ms, changed_threshold_ms };
        },
      },
      {
        name: "bpftrace, started again",
        async run() {
          const peer = await bpftrace();
          let next: Peer;
          const restart = await ms(async () => {
            await peer.end("SIGKILL"); // soon after its start it does not hear SIGINT
            next = await bpftrace();
          });
          await next!.end("SIGKILL");
          return { changed_c_ms: restart, changed_threshold_ms: restart }; // either is a change of the script
        },
      },
    ];
    const close = () => {
      if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = cache;
    };
    return { ways, close };
  },
  goals: [
    { text: "changed C to attached, ms", of: (medians) => figure(medians, OURS, "changed_c_ms"), atMost: 150 },
    {
      text: "changed threshold to effect, ms",
      of: (medians) => figure(medians, OURS, "changed_threshold_ms"),
      atMost: 10,
    },
  ],
};
