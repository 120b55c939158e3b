import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { ArgumentError, bpf, offCpu, profile, Stacks } from "../../dist/api/index.js";
import { PerfMap } from "../../dist/bpf/perf-map.js";
import { loadText } from "../workload/programs.js";
import { until } from "../workload/until.js";

const burning = `#include <stdio.h>
namespace fire {
volatile unsigned long sum;
static inline __attribute__((always_inline)) void put_inside(int n) { for (int i = 0; i < n; i++) sum += i * i; }
__attribute__((noinline)) void burn_cpu(int n) { for (;;) put_inside(n); }
}
int main() { puts("ready"); fflush(stdout); fire::burn_cpu(1000); }
`;
const javaScript = `
function burnInJavaScript(n) { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i); return sum; }
console.log("ready");
for (;;) burnInJavaScript(1e6);
`;

describe("profile", () => {
  let directory: string;
  const children: ChildProcess[] = [];
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "bpflab-profile-"));
    writeFileSync(join(directory, "burn.cc"), burning);
    execFileSync("g++", [
      "-O1",
      "-g",
      "-fno-omit-frame-pointer",
      "-o",
      join(directory, "burn"),
      join(directory, "burn.cc"),
    ]);
    writeFileSync(join(directory, "burn.js"), javaScript);
  });
  afterEach(async () => {
    bpf.closeAll();
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "close");
      }
      rmSync(`/tmp/perf-${child.pid}.map`, { force: true });
    }
  });
  after(() => rmSync(directory, { recursive: true }));

  async function start(command: string, ...args: string[]): Promise<ChildProcess> {
    const child = spawn(command, args, { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    await once(child.stdout, "data");
    return child;
  }
  /** Stacks of a process, until there are enough samples on a machine however busy. */
  async function stacksOf(pid: number): Promise<string[]> {
    const table = await profile({ pid, frequency: 499, until: () => sleep(700) });
    assert.deepEqual(table.columnNames(), ["comm", "pid", "stack", "count"]);
    return table.objects().map((row) => (row as { stack: string }).stack);
  }

  test("a program in C++: its function, demangled, and the one that was put into it", async () => {
    const { pid } = await start(join(directory, "burn"));
    let stacks: string[] = [];
    await until("it is found on a CPU", async () => (stacks = await stacksOf(pid!)).length > 0);
    assert.ok(
      stacks.some((stack) => /^burn;.*;fire::burn_cpu\(int\);(?:fire::)?put_inside(;|$)/.test(stack)),
      stacks.join("\n"),
    );
  });

  test("JavaScript in Node, by its map of compiled functions", async () => {
    const { pid } = await start(
      process.execPath,
      "--perf-basic-prof",
      "--interpreted-frames-native-stack",
      join(directory, "burn.js"),
    );
    await until("its function is found on a CPU", async () =>
      (await stacksOf(pid!)).some((stack) => /burnInJavaScript/.test(stack)),
    );
  });

  test("a process that has ended since has the names that it had", async () => {
    const child = await start(join(directory, "burn"));
    const table = await profile({
      pid: child.pid!,
      frequency: 499,
      until: async () => {
        await sleep(700);
        child.kill("SIGKILL");
        await once(child, "close");
      },
    });
    const stacks = table.array("stack") as string[];
    assert.ok(
      stacks.every((stack) => !stack.includes("[unknown]")) &&
        stacks.some((stack) => stack.includes("fire::burn_cpu(int)")),
      stacks.join("\n"),
    );
  });

  test("what a program waits for, and how long", async () => {
    writeFileSync(
      join(directory, "wait.c"),
      `#include <stdio.h>
#include <unistd.h>
/* The C library keeps no frame pointers, and so hides the function that calls it. */
__attribute__((noinline)) int nap(void) { return usleep(50000) + 1; }
__attribute__((noinline)) int take(char *c) { return read(0, c, 1) + 1; }
__attribute__((noinline)) void sleep_here(void) { for (int i = 0; i < 4; i++) nap(); __asm__ volatile(""); }
__attribute__((noinline)) void read_here(void) { char c; take(&c); __asm__ volatile(""); }
int main() { puts("ready"); fflush(stdout); getchar(); sleep_here(); puts("read"); fflush(stdout); read_here(); return 0; }
`,
    );
    execFileSync("cc", ["-O1", "-fno-omit-frame-pointer", "-o", join(directory, "wait"), join(directory, "wait.c")]);
    const child = spawn(join(directory, "wait"), { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    await once(child.stdout, "data");
    const table = await offCpu({
      pid: child.pid!,
      until: async () => {
        child.stdin.write("\n");
        await once(child.stdout, "data");
        await sleep(150); // it still reads then
      },
    });
    assert.deepEqual(table.columnNames(), ["comm", "pid", "why", "stack", "duration_ns", "count"]);
    const waits = table.objects() as { why: string; stack: string; duration_ns: number; count: number }[];
    const found = (name: string) => {
      const rows = waits.filter(({ why, stack }) => why === "waiting" && stack.includes(`;main;${name};`));
      const sum = (of: "duration_ns" | "count") => rows.reduce((all, row) => all + row[of], 0);
      return { ms: sum("duration_ns") / 1e6, count: sum("count") };
    };
    const slept = found("sleep_here");
    assert.ok(slept.count === 4 && slept.ms >= 200, JSON.stringify(waits));
    assert.ok(found("read_here").ms >= 140, "and what has not come back yet");
    assert.ok(
      waits.every(({ stack }) => /^wait;/.test(stack) && /;(__)?schedule(_[a-z_]+)?_\[k\]$/.test(stack)),
      JSON.stringify(waits),
    );
  });

  test("when what it waits for fails, what had come is in the error", async () => {
    const { pid } = await start(join(directory, "burn"));
    const error: any = await profile({
      pid: pid!,
      frequency: 499,
      until: async () => {
        await sleep(500);
        throw new Error("no more");
      },
    }).catch((thrown: unknown) => thrown);
    assert.match(error.message, /no more/);
    assert.ok(error.collected.numRows() > 0);
    // Two at the same time do not disturb each other.
    const [one, other] = await Promise.all([
      profile({ pid: pid!, seconds: 0.4 }),
      profile({ pid: process.pid, seconds: 0.4 }),
    ]);
    assert.ok((one.array("pid") as number[]).every((each) => each === pid));
    assert.ok((other.array("pid") as number[]).every((each) => each === process.pid));
  });

  test("addresses in records, of the kernel and of the process", async () => {
    const { pid } = await start(join(directory, "burn"));
    const object = await loadText(
      "stacks",
      `struct stack_sample { __u32 pid; __u64 user_stack[32]; __u64 kernel_stack[32]; };
RING_BUFFER(rb, struct stack_sample, 1 << 20);
SEC("perf_event") int take(void *ctx)
{
	struct stack_sample *sample = event_reserve(rb);

	if (!sample)
		return 0;
	sample->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_stack(ctx, sample->user_stack, sizeof(sample->user_stack), BPF_F_USER_STACK);
	bpf_get_stack(ctx, sample->kernel_stack, sizeof(sample->kernel_stack), 0);
	event_submit(rb, sample);
	return 0;
}`,
    );
    const { collect } = await import("../../dist/api/index.js");
    await object.attach({ frequency: 99, pid: pid! });
    const table = await collect(object.events("rb"), { rows: 5 });
    using stacks = new Stacks();
    const folded = stacks.fold(table).array("stack") as string[];
    assert.ok(
      folded.some((stack) => stack.includes("fire::burn_cpu(int)")),
      folded.join("\n"),
    );
  });

  test("what it cannot do is said", async () => {
    await assert.rejects(profile({}), /profile needs seconds or until/);
    await assert.rejects(profile({ seconds: 1, hz: 99 } as never), /profile takes no option "hz"/);
    await assert.rejects(profile({ seconds: 1, pid: 99_999_999 }), /there is no process 99999999/);
    const { aq } = await import("../../dist/api/index.js");
    using stacks = new Stacks();
    assert.throws(() => stacks.fold(aq.table({ a: [1] })), /The table has no column of stacks\.\n.*It has a\./);
    assert.throws(() => stacks.fold(aq.table({ pid: [1], user_stack: [1] })), ArgumentError);
  });

  test("a map of compiled functions that is a link is not followed", async () => {
    const { pid } = await start(join(directory, "burn"));
    const elsewhere = join(directory, "names");
    writeFileSync(elsewhere, "1000 100 somebody's\n");
    symlinkSync(elsewhere, `/tmp/perf-${pid}.map`);
    assert.equal(new PerfMap(pid!).nameOf(0x1010n), undefined);
    rmSync(`/tmp/perf-${pid}.map`);
    writeFileSync(`/tmp/perf-${pid}.map`, "1000 100 its own\n");
    assert.equal(new PerfMap(pid!).nameOf(0x1010n), "its own");
  });
});
