import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { op, probe } from "../../dist/api/index.js";
import { until } from "../workload/until.js";
import { Paused } from "./paused.js";

/** What bpftrace says of a script: its maps by name, and the lines that it printed. */
interface Said {
  maps: Record<string, any>;
  lines: string[];
}

/** Runs bpftrace while something happens, which begins when all its probes are in place. */
async function bpftrace(script: string, during: () => Promise<unknown>): Promise<Said> {
  // It wants tracefs under its path: in a mount namespace of its own, so that nothing stays mounted here.
  const mounted =
    'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; exec "$0" "$@"';
  const ticking = `${script} interval:ms:100 { printf("tick\\n"); }`;
  const child = spawn("unshare", ["--mount", "sh", "-c", mounted, "bpftrace", "-f", "json", "-e", ticking], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    let [output, complaint] = ["", ""];
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        // It says "attached" before it attaches; at the second tick all probes are in place.
        if (output.split("tick").length > 2) resolve();
      });
      child.once("close", () => reject(new Error(`bpftrace ended: ${complaint}`)));
    });
    await during();
    // What it has not printed when it is interrupted is lost, and on a busy machine it is late.
    const ticks = output.split("tick").length;
    await until("bpftrace has printed what it saw", () => output.split("tick").length > ticks + 1);
    child.kill("SIGINT"); // prints its maps and ends
    await once(child, "close");
    const messages = output
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { type: string; data: any });
    return {
      maps: Object.assign({}, ...messages.filter(({ type }) => type !== "printf").map(({ data }) => data as object)),
      lines: messages.flatMap(({ type, data }) =>
        type === "printf" && data !== "tick\n" ? [String(data).trim()] : [],
      ),
    };
  } finally {
    child.kill("SIGKILL");
  }
}

/** Slots that counted anything, as bpftrace's and our bounds. */
const counted = (slots: readonly { min?: number; low?: number; count: number }[]) =>
  slots.filter(({ count }) => count > 0).map(({ min, low, count }) => [min ?? low, count]);

describe("the same questions to bpftrace, of the same calls", () => {
  test("counts, sums, histograms, files, system calls and hooks are equal", async () => {
    using work = new Paused(
      "/usr/bin/python3",
      "-c",
      "import os\nfor i in range(400):\n fd = os.open('/etc/passwd' if i % 2 else '/etc/group', os.O_RDONLY)\n os.read(fd, 2 + i * 5)\n os.close(fd)",
    );
    const { pid } = work;
    const script = `
      tracepoint:syscalls:sys_enter_openat /pid == ${pid}/ { printf("%s", str(args->filename)); }
      tracepoint:raw_syscalls:sys_enter /pid == ${pid}/ { @calls[comm] = count(); }
      tracepoint:syscalls:sys_exit_read /pid == ${pid} && args->ret > 1/ { @n = count(); @bytes = sum(args->ret); @sizes = hist(args->ret); @steps = lhist(args->ret, 0, 2000, 200); @least = min(args->ret); @most = max(args->ret); }
      tracepoint:syscalls:sys_*_close /pid == ${pid}/ { @hooks[probe] = count(); }`;
    const ofWork = (hook: string) =>
      probe(hook)
        .filter((d, $) => d.pid === $.pid)
        .params({ pid });
    const asked = [
      ofWork("tp/raw_syscalls/sys_enter").groupby("comm").count(),
      ofWork("tp/syscalls/sys_exit_read")
        .filter((d) => d.ret > 1)
        .rollup({
          n: op.count(),
          bytes: op.sum("ret"),
          sizes: op.log2("ret"),
          steps: op.linear("ret", 0, 2000, 200),
          least: op.min("ret"),
          most: op.max("ret"),
        }),
      ofWork("tp/syscalls/sys_*_close").groupby("probe").count(),
    ];
    for (const one of asked) await one.attach();
    try {
      let said: Said | undefined;
      const files = await ofWork("tp/syscalls/sys_enter_openat")
        .select({ file: (d: any) => op.str(d.filename, 64) })
        .collect({ until: async () => void (said = await bpftrace(script, () => work.run())) });
      const [calls, reads, closes] = await Promise.all(asked.map((one) => one.table()));
      const { maps, lines } = said!;

      assert.ok(files.numRows() > 400);
      // What is longer bpftrace cuts as well up to 0.21; later ones print all of it.
      assert.deepEqual(
        files.array("file"),
        lines.map((line) => line.slice(0, 63)),
      );
      assert.deepEqual(Object.fromEntries(calls!.objects().map(({ comm, count }) => [comm, count])), maps["@calls"]);
      const [sums] = reads!.objects();
      assert.deepEqual(
        [sums.n, sums.bytes, sums.least, sums.most],
        ["@n", "@bytes", "@least", "@most"].map((name) => maps[name] as number),
      );
      assert.deepEqual(counted(probe.buckets(reads!, "sizes").objects() as never), counted(maps["@sizes"]));
      assert.deepEqual(counted(probe.buckets(reads!, "steps").objects() as never), counted(maps["@steps"]));
      const hooks = closes!
        .objects()
        .map(({ probe: hook, count }) => [hook.replace("tp/", "tracepoint:").replace("/", ":"), count]);
      assert.deepEqual(Object.fromEntries(hooks), maps["@hooks"]);
    } finally {
      for (const one of asked) one.close();
    }
  });

  test("what one thread begins and another ends: how long a process waits for a CPU", async () => {
    using work = new Paused("/usr/bin/python3", "-c", "import time\nfor i in range(100): time.sleep(0.001)");
    const { pid } = work;
    const script = `
      tracepoint:sched:sched_wakeup /args->pid == ${pid}/ { @at[args->pid] = nsecs; }
      tracepoint:sched:sched_switch /args->next_pid == ${pid} && @at[args->next_pid]/ { @n = count(); delete(@at[args->next_pid]); }`;
    const wakeup = probe("tp/sched/sched_wakeup");
    const waits = [
      wakeup.to("tp/sched/sched_switch", { on: ["hook_pid", "next_pid"] }),
      wakeup.to("tp/sched/sched_switch", {
        on: [
          ["hook_pid", "hook_comm"],
          [(d) => d.next_pid, "next_comm"],
        ],
      }),
    ].map((pairs) =>
      pairs
        .filter((d, $) => d.next_pid === $.pid)
        .params({ pid })
        .rollup({ n: op.count(), least: op.min("duration_ns"), waker: (d: any) => op.max(d.start_pid) }),
    );
    for (const one of waits) await one.attach();
    try {
      const { maps } = await bpftrace(script, () => work.run());
      const [[byPid], [byName]] = (await Promise.all(waits.map((one) => one.table()))).map((one) =>
        one.objects(),
      ) as any;
      assert.equal(byPid.n, maps["@n"]);
      assert.ok(byPid.n >= 100, `${byPid.n} waits`);
      assert.ok(byPid.least > 0);
      // Before exec() it has another name, with which it was woken once.
      assert.ok(byName.n >= 100 && byName.n <= byPid.n, `${byName.n} of ${byPid.n}`);
    } finally {
      for (const one of waits) one.close();
    }
  });
});
