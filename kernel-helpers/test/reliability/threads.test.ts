/** The addon in several threads of a process, twice in a process, and its columns on their way to another thread. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { execa } from "execa";
import { bpf, collect } from "../../dist/api/index.js";
import { rounds } from "./seeded.js";

const dist = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);

async function run(code: string): Promise<string> {
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", code], {
    timeout: 120_000,
  });
  return stdout;
}

const times = rounds(2, 20);
test(`four threads load, collect and close at the same time, ${times} times`, async () => {
  const inThread = `
    import { workerData } from "node:worker_threads";
    import { openSync, writeSync } from "node:fs";
    import { bpf, collect } from ${dist("api/index.js")};
    const sink = openSync("/dev/null", "w");
    const ringbuf = await (await bpf.load("ringbuf", { globals: { watched_pid: process.pid } })).attach();
    const table = await collect(ringbuf.events("rb"), {
      until: async () => { for (let i = 0; i < 100; i++) writeSync(sink, "x".repeat(1000 + workerData)); },
    });
    const own = table.filter(\`d => d.ret === \${1000 + workerData}\`).numRows();
    if (own !== 100) throw new Error(\`\${own} of 100 writes\`);
    if (workerData % 2) ringbuf.close(); // the others are closed with their thread`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(inThread)}`);
  for (let i = 0; i < times; i++) {
    const workers = [0, 1, 2, 3].map((workerData) => new Worker(url, { workerData }));
    const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0] as number));
    assert.deepEqual(codes, [0, 0, 0, 0]);
  }
});

test("a second copy of the addon in the process works beside the first", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bpflab-twice-"));
  try {
    const built = createRequire(import.meta.url).resolve("bpflab-native/build/Release/bpflab.node");
    const copy = join(directory, "again.node");
    copyFileSync(built, copy);
    const said = await run(`
      import { createRequire } from "node:module";
      import { native } from ${dist("base/native.js")};
      import { compileShipped } from ${dist("clang/compile.js")};
      const { elf } = await compileShipped("hashmap");
      const second = createRequire(import.meta.url)(${JSON.stringify(copy)});
      for (const addon of [native, second, native, second]) {
        const object = addon.bpf_object__open_mem(elf, "hashmap");
        addon.bpf_object__load(object);
        console.log(addon.bpf_object__programs(object).length);
        addon.bpf_object__close(object);
      }
      const object = native.bpf_object__open_mem(elf, "hashmap");
      try { second.bpf_object__load(object); } catch (error) { console.log(error.message); }`);
    assert.match(said, /^2\n2\n2\n2$/m);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("columns that are posted to another thread arrive whole, and stay whole here", async () => {
  const ringbuf = await bpf.load("ringbuf", { globals: { watched_pid: process.pid } });
  await ringbuf.attach();
  const sink = openSync("/dev/null", "w");
  const { port1, port2 } = new MessageChannel();
  try {
    const table = await collect(ringbuf.events("rb"), {
      rows: 5000,
      until: async () => {
        for (let i = 0; i < 5000; i++) writeSync(sink, "x");
      },
    });
    const here = table.column("duration_ns") as unknown as Float64Array;
    const sum = here.reduce((all, one) => all + one, 0);
    port1.postMessage(here);
    const there = (receiveMessageOnPort(port2) as { message: Float64Array }).message;
    assert.equal(there.length, 5000);
    assert.equal(
      there.reduce((all, one) => all + one, 0),
      sum,
    );
    // Moved rather than copied: whoever has it then, nobody reads freed memory.
    let moved: Float64Array | undefined;
    try {
      port1.postMessage(here, [here.buffer as ArrayBuffer]);
      moved = (receiveMessageOnPort(port2) as { message: Float64Array }).message;
    } catch (error) {
      assert.equal((error as Error).name, "DataCloneError");
    }
    ringbuf.close();
    globalThis.gc?.();
    const kept = moved ?? here;
    assert.equal(
      kept.reduce((all, one) => all + one, 0),
      sum,
    );
    if (moved) assert.equal(here.length, 0);
  } finally {
    closeSync(sink);
    port1.close();
    bpf.closeAll();
  }
});
