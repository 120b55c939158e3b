import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { execaSync } from "execa";
import { childrenUntil } from "../workload/children.js";
import { allIds, idsOf } from "../workload/kernel-state.js";
import { until } from "../workload/until.js";
import { buildWriters, type Writers } from "../workload/writers.js";

const dist = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const owned = childrenUntil(afterEach);

/** Runs a script in a process of its own. One that does not end by itself in time is killed, which its signal shows. */
async function run(body: string, seen: (child: ChildProcess, line: string) => void = () => {}): Promise<End> {
  const script = `import { bpf, collect } from ${dist("api/index.js")};\nimport { native } from ${dist("base/native.js")};\n${body}`;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", script];
  const child = owned(spawn(process.execPath, args, { stdio: "pipe" }));
  const limit = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const end: End = { code: null, signal: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    end.stdout += text;
    seen(child, text.trim());
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (end.stderr += text));
  [end.code, end.signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  return end;
}

// Everything that can be open, with a ring that is being filled: "held" is said from inside a hand-over. What ends it all
// is done inside a later one, once it is told to go on.
const everything = (pid: number, then: string, goOn = `process.once("SIGUSR2", end)`) => `
  const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: ${pid} } })).attach();
  const hashmap = await (await bpf.load("hashmap")).attach();
  ringbuf.programs.handle_exit.stats();
  globalThis.held = [native.fsmount("tracefs"), native.drain_start(() => {})];
  let rows = 0;
  const subscription = ringbuf.events("rb").subscribe((batch) => {
    rows += batch.rows;
    if (rows < 10_000 || globalThis.told) return;
    globalThis.told = true;
    const end = () => { const again = ringbuf.events("rb").subscribe(() => { ${then} }); };
    ${goOn};
    console.log("held");
  });`;

describe("a process that ends with everything open", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(() => workload.remove());

  /** Ends a process in the middle of a flood of events; returns how it ended, when nothing of it is left in the kernel. */
  async function endedBy(then: string): Promise<End> {
    const writers: Writers = workload.start({ writes: 1e9 });
    const writing = writers.run().catch(() => {}); // it is ended in the middle
    const held = { prog: new Set<number>(), link: new Set<number>() };
    const end = await run(everything(writers.pid, then), (child, line) => {
      if (line !== "held") return;
      Object.assign(held, { prog: idsOf("prog_id", child.pid), link: idsOf("link_id", child.pid) });
      child.kill("SIGUSR2");
    });
    writers.kill();
    await writing;
    assert.ok(
      held.prog.size === 4 && held.link.size === 4,
      `the process held ${held.prog.size} programs and ${held.link.size} links`,
    );
    for (const kind of ["prog", "link"] as const) {
      let left: number[] = [];
      for (let i = 0; i < 50; i++) {
        const all = await allIds(kind);
        left = [...held[kind]].filter((id) => all.has(id));
        if (left.length === 0) break;
        await sleep(100); // the kernel frees programs after a grace period
      }
      assert.deepEqual(left, [], `${kind}s left behind`);
    }
    return end;
  }

  const ends: [what: string, then: string, code: number | null, signal: NodeJS.Signals | null, stderr: RegExp][] = [
    ["process.exit()", "process.exit(7)", 7, null, /^$/],
    ["an uncaught exception", `throw new Error("boom")`, 1, null, /Error: boom/],
    ["SIGKILL", `process.kill(process.pid, "SIGKILL")`, null, "SIGKILL", /^$/],
    ["SIGTERM", `process.kill(process.pid, "SIGTERM")`, null, "SIGTERM", /^$/],
    [
      "its last subscription, and nothing else closed",
      "subscription.unsubscribe(); again.unsubscribe()",
      0,
      null,
      /^$/,
    ],
  ];
  for (const [what, then, code, signal, stderr] of ends) {
    test(`by ${what}`, async () => {
      const end = await endedBy(then);
      assert.deepEqual({ code: end.code, signal: end.signal }, { code, signal }, end.stderr);
      assert.match(end.stderr, stderr);
    });
  }

  test("in a worker thread that is terminated, and then in the main thread", async () => {
    const writers = workload.start({ writes: 1e9 });
    const writing = writers.run().catch(() => {});
    const inThread = everything(writers.pid, `threads.parentPort?.postMessage("mid-drain")`, "setTimeout(end, 300)");
    const worker = `(async () => {
      const threads = require("node:worker_threads");
      const { bpf } = await import(${dist("api/index.js")});
      const { native } = await import(${dist("base/native.js")});
      console.log = () => {};
      ${inThread}
    })()`;
    const end = await run(`
      import threads from "node:worker_threads";
      ${inThread}
      const start = async () => {
        const worker = new threads.Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [] });
        await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
        return worker;
      };
      for (let i = 0; i < 3; i++) await (await start()).terminate();
      const before = rows;
      await start();
      console.log(bpf.allRunning().every((object) => object.attached) && rows > before);
      process.exit(0);`);
    writers.kill();
    await writing;
    assert.deepEqual(end, { code: 0, signal: null, stdout: "held\ntrue\n", stderr: "" });
  });
});

/** What the drain thread of a process does, as ps(1) writes it: R is running or waiting for a CPU, S waiting for events. */
function drainState(pid: number): string | undefined {
  const stats = readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8"));
  return stats.flatMap((stat) => /\(bpflab drain\) (\w)/.exec(stat)?.[1] ?? []).at(0);
}

describe("a process goes on", () => {
  let workload: Awaited<ReturnType<typeof buildWriters>>;
  before(async () => void (workload = await buildWriters()));
  after(() => workload.remove());

  test("when an interrupt ends a listener in the middle of a hand-over", async () => {
    const writers = workload.start({ writes: 1e9 });
    const writing = writers.run().catch(() => {});
    // As the notebook's kernel ends code: Node's stack of async ids has to be emptied in the same breath.
    const interrupter = `
      const { Session } = require("node:inspector/promises");
      const session = new Session();
      session.connectToMainThread();
      const expression = 'globalThis[Symbol.for("bpflab.terminate")](1)';
      const end = async () => {
        const { result } = await session.post("Runtime.evaluate", { expression, returnByValue: true });
        if (result.value === true) session.disconnect();
        else setTimeout(end, 3);
      };
      end();`;
    const end = await run(`
      import { Worker } from "node:worker_threads";
      import { offerTermination } from ${dist("jupyter/interrupt/termination.js")};
      offerTermination(new Int32Array(new SharedArrayBuffer(1024)));
      const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: ${writers.pid} } })).attach();
      let calls = 0;
      const subscription = ringbuf.events("rb").subscribe(() => {
        calls++;
        if (calls === 1) {
          new Worker(${JSON.stringify(interrupter)}, { eval: true, execArgv: [] });
          for (const end = Date.now() + 60_000; Date.now() < end; );
          console.log("not ended");
        }
        if (calls < 5) return;
        console.log("goes on");
        subscription.unsubscribe();
      });`);
    writers.kill();
    await writing;
    assert.deepEqual(end, { code: 0, signal: null, stdout: "goes on\n", stderr: "" });
  });

  test("when there is no memory for more events: these are counted as dropped", async () => {
    const writers = workload.start({ writes: 200_000 });
    // A KiB an event: 200 MB, less than the default bound.
    const source = `
      #include "bpflab.h"
      char LICENSE[] SEC("license") = "GPL";
      __u32 watched_pid = 0;
      struct large { __u64 list[128]; };
      RING_BUFFER(rb, struct large, 16 * 1024 * 1024);
      SEC("tp/syscalls/sys_enter_write") int on_write(void *ctx) {
        struct large *e = is_watched(watched_pid) ? event_reserve(rb) : NULL;
        if (e) event_submit(rb, e);
        return 0;
      }`;
    const limit = (pid: number, bytes: number | "unlimited") =>
      execaSync("prlimit", ["--pid", String(pid), `--as=${bytes}:`]);
    const isIdle = async (pid: number) => {
      for (let looks = 0; looks < 5; looks++, await sleep(20)) if (drainState(pid) !== "S") return false;
      return true;
    };
    const script = `
      import { readSync } from "node:fs";
      const large = await (await bpf.load(await bpf.compile(${JSON.stringify(source)}, { name: "large" }), { globals: { watched_pid: ${writers.pid} } })).attach();
      let rows = 0;
      const subscription = large.events("rb").subscribe((batch) => (rows += batch.rows));
      console.log("ready");
      // JavaScript stands still until all is written, which a byte on standard input says.
      const [sleeper, byte] = [new Int32Array(new SharedArrayBuffer(4)), Buffer.alloc(1)];
      const isTold = () => { try { return readSync(0, byte) === 1; } catch { return false; } };
      while (!isTold()) Atomics.wait(sleeper, 0, 0, 50);
      setTimeout(() => {
        subscription.unsubscribe();
        console.log(JSON.stringify({ rows, ...large.totals("rb") }));
      }, 200);`;
    let written: Promise<unknown> | undefined;
    const end = await run(script, ({ pid, stdin }, line) => {
      if (line !== "ready") return;
      // Room for a few chunks, while nothing but the drain thread asks for memory.
      const size = 1024 * Number(/^VmSize:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
      limit(pid!, size + 8 * 2 ** 20);
      written = writers.run().then(async () => {
        // On a loaded machine it may have most of the ring still before it.
        await until("the drain thread waits for more", () => isIdle(pid!));
        limit(pid!, "unlimited");
        stdin!.end("\n");
      });
    });
    await written;
    assert.deepEqual({ code: end.code, signal: end.signal, stderr: end.stderr }, { code: 0, signal: null, stderr: "" });
    const { rows, delivered, lost, dropped, unread } = JSON.parse(end.stdout.split("\n")[1]!) as Record<string, number>;
    assert.ok(dropped! > 0, "there was memory enough, so this shows nothing");
    assert.equal(rows, delivered);
    assert.equal(delivered! + lost! + dropped! + unread!, 200_000);
  });
});

describe("the event loop", () => {
  const script = (subscribe: boolean) => `
    const ringbuf = await (await bpf.load("ringbuf")).attach();
    const stream = ringbuf.events("rb");
    const subscription = ${subscribe} ? stream.subscribe() : undefined;
    setTimeout(() => { console.log("still there"); subscription?.unsubscribe(); }, 500).unref();`;

  test("goes on while somebody is subscribed, and ends when nobody is any more", async () => {
    assert.deepEqual(await run(script(true)), { code: 0, signal: null, stdout: "still there\n", stderr: "" });
  });

  test("is not held by a drain thread that could not start", async () => {
    const end = await run(`
      import { execaSync } from "execa";
      import { closeSync, openSync, readdirSync } from "node:fs";
      native.libbpf_num_possible_cpus; // loads the addon
      execaSync("prlimit", ["--pid", String(process.pid), "--nofile=" + (readdirSync("/proc/self/fd").length + 20) + ":"]);
      const fds = [];
      try { for (;;) fds.push(openSync("/dev/null")); } catch {}
      try { native.drain_start(() => {}); } catch ({ code, message }) { console.log(code, message); }
      fds.forEach((fd) => closeSync(fd));`);
    assert.deepEqual(end, {
      code: 0,
      signal: null,
      stdout: "EMFILE cannot set up the drain thread: Too many open files\n",
      stderr: "",
    });
  });

  test("ends at once when nobody is", async () => {
    assert.deepEqual(await run(script(false)), { code: 0, signal: null, stdout: "", stderr: "" });
  });
});
