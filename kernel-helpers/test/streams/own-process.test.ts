import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { execa } from "execa";

const index = new URL("../../dist/api/index.js", import.meta.url).href;

// The observer writes 777 bytes at a time, its parent 778, and an innocent child 779.
const observer = `
  import { bpf, collect } from ${JSON.stringify(index)};
  import { openSync, writeSync } from "node:fs";
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  const ringbuf = await (await bpf.load("ringbuf")).attach();
  const table = await collect(ringbuf.events("rb"), { until: async () => {
    const sink = openSync("/dev/null", "w");
    for (let i = 0; i < 100; i++) writeSync(sink, Buffer.alloc(777));
    process.send("write");
    await once(process, "message");
    await once(spawn("dd", ["if=/dev/zero", "of=/dev/null", "bs=779", "count=100"], { stdio: "ignore" }), "exit");
  } });
  const of = (bytes) => { let n = 0; for (const ret of table.column("ret")) n += ret === bytes; return n; };
  process.send({ pid: process.pid, own: of(777), parent: of(778), child: of(779) });
  ringbuf.close();
  process.disconnect();
`;

const parent = `
  import { spawn } from "node:child_process";
  import { openSync, writeSync } from "node:fs";
  const child = spawn(process.execPath, ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", process.argv[1]], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.on("message", (message) => {
    if (message !== "write") return console.log(JSON.stringify(message));
    const sink = openSync("/dev/null", "w");
    for (let i = 0; i < 100; i++) writeSync(sink, Buffer.alloc(778));
    child.send("written");
  });
  child.on("exit", (code) => (process.exitCode = code));
`;

describe("we never see ourselves", () => {
  const run = async (...command: string[]) => {
    const [file, ...args] = [...command, process.execPath, "--input-type=module", "-e", parent, observer];
    return JSON.parse((await execa(file, args)).stdout) as { pid: number; own: number; parent: number; child: number };
  };

  test("neither the observer nor its parent, but every other process", async () => {
    const { own, parent, child } = await run();
    assert.deepEqual({ own, parent, child }, { own: 0, parent: 0, child: 100 });
  });

  test("also inside a PID namespace, where getpid() says something else", async () => {
    const { pid, own, parent, child } = await run("unshare", "--pid", "--fork", "--mount-proc");
    assert.ok(pid < 100, "the observer did not run in a PID namespace");
    assert.deepEqual({ own, parent, child }, { own: 0, parent: 0, child: 100 });
  });
});
