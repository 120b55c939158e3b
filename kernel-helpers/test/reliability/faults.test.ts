/** What happens around a session: a cache that cannot be written, tracefs unmounted, clang or an interface gone, a clock that jumps. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { bpf, captureOf, collect, net, toDate } from "../../dist/api/index.js";
import { refusalOf } from "../workload/programs.js";
import { until } from "../workload/until.js";

const dist = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);
const source = (number: number) => `#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";
__u64 calls;
SEC("tp/syscalls/sys_enter_getppid") int count(void *ctx) { calls += ${number}; return 0; }`;

let cache: string;
before(() => {
  cache = mkdtempSync(join(tmpdir(), "bpflab-faults-"));
  mkdirSync(join(cache, "bpflab"), { mode: 0o700 });
});
after(() => rmSync(cache, { recursive: true, force: true }));
afterEach(() => bpf.closeAll());

/** Runs a script that sees mounts of its own; \`umount\` and \`mount\` in it change nothing for others. */
async function inMounts(mounts: string, script: string): Promise<string> {
  const code = `import { execFileSync } from "node:child_process";
    import { bpf, collect, BpflabError } from ${dist("api/index.js")};
    const sh = (text) => execFileSync("sh", ["-c", text]);
    const source = ${source.toString()};
    ${script}`;
  const { stdout } = await execa(
    "unshare",
    ["--mount", "sh", "-ec", `${mounts}\nexec "$@"`, "sh", process.execPath, "--input-type=module", "-e", code],
    { env: { XDG_CACHE_HOME: cache, CACHE: join(cache, "bpflab") } },
  );
  return stdout;
}

const works = `
  const counter = await (await bpf.load(await bpf.compile(source(1), { name: "counter" }))).attach();
  process.ppid;
  console.log(counter.globals.calls > 0);
  bpf.closeAll();`;

describe("a cache for compiled programs", () => {
  test("that is read-only is done without", async () => {
    assert.equal(await inMounts('mount -t tmpfs -o ro,mode=700 none "$CACHE"', works), "true");
  });

  test("whose disk is full is named", async () => {
    const script = `try { ${works} } catch (error) { console.log(error instanceof BpflabError, error.message); }
      sh('umount "$CACHE"');
      ${works.replace("counter =", "again =").replace("counter.globals", "again.globals")}`;
    const said = await inMounts('mount -t tmpfs -o size=1m,mode=700 none "$CACHE"', script);
    assert.match(said, /^true There is no space left in .*bpflab[^]*XDG_CACHE_HOME[^]*\ntrue$/);
  });
});

test("tracefs that is unmounted in mid-session is found or mounted again", async () => {
  const script = `${works}
    sh("umount -l /sys/kernel/tracing");
    ${works.replace("counter =", "again =").replace("counter.globals", "again.globals").replace("source(1)", "source(2)")}`;
  const mounts = "mount -t tracefs none /sys/kernel/tracing";
  assert.equal(await inMounts(mounts, script), "true\ntrue");
});

test("clang that goes in mid-session is named, and what is loaded goes on", async () => {
  const counter = await (await bpf.load(await bpf.compile(source(1), { name: "counter" }))).attach();
  process.env["CLANG"] = "/nowhere/clang";
  try {
    const error = await refusalOf(bpf.compile(source(3), { name: "counter" }));
    assert.equal(error.name, "MissingFeatureError");
    assert.match(error.message, /The C compiler \/nowhere\/clang cannot be found/);
  } finally {
    delete process.env["CLANG"];
  }
  assert.ok(process.ppid);
  assert.ok(counter.globals["calls"] > 0);
  await bpf.load(await bpf.compile(source(3), { name: "counter" }));
});

test("an interface that is removed while a filter is on it", async () => {
  const filter = await bpf.load("tc_icmp_filter");
  const first = await net.playground({ peers: 1 });
  await filter.attach({ interface: first.interface });
  const program = filter.programs.icmp_filter;
  first.close();
  await until("it is attached no more", () => !program.attached);
  filter.detach();
  using second = await net.playground({ peers: 1 });
  await filter.attach({ interface: second.interface });
  filter.globals.threshold = 3;
  assert.equal((await second.peers[0]!.ping({ count: 5, intervalMs: 5, timeoutMs: 200 })).received, 3);
});

test("a clock that jumps changes neither how long is collected nor what the capture's times mean", async () => {
  const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: process.pid } })).attach();
  const sink = openSync("/dev/null", "w");
  const { now } = Date;
  try {
    for (const jump of [-86_400_000, 86_400_000]) {
      const begun = performance.now();
      const collecting = collect(ringbuf.events("rb"), { seconds: 0.3 });
      await sleep(50);
      writeSync(sink, "x");
      const wrote = now();
      Date.now = () => now() + jump;
      const table = await collecting;
      Date.now = now;
      assert.ok(performance.now() - begun >= 299);
      assert.ok(table.numRows() > 0);
      const { startedAt, endedAt } = captureOf(table)!;
      assert.ok(endedAt >= startedAt);
      assert.ok(Math.abs(toDate(table.get("start_ns", 0) as number).getTime() - wrote) < 5000);
    }
  } finally {
    Date.now = now;
    closeSync(sink);
  }
});

test("a ring that is read after its object is closed says so, and one that is being read ends", async () => {
  const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: process.pid } })).attach();
  const events = ringbuf.events("rb");
  const ended = new Promise<string>((resolve) =>
    events.subscribe({ complete: () => resolve("ended"), error: (error: Error) => resolve(error.name) }),
  );
  ringbuf.close();
  assert.equal(await ended, "ended");
  const late = await new Promise<Error>((resolve, reject) =>
    events.subscribe({ complete: () => reject(new Error("it has ended")), error: resolve }),
  );
  assert.equal(late.name, "ClosedError");
  const error = await refusalOf(collect(events, { seconds: 1 }));
  assert.match(error.message, /ringbuf is closed\.\nRun the cell that loads it again/);
});
