/**
 * The kernel's process: `node main.js CONNECTION_FILE`.
 *
 * The wire starts first, in its own thread, and answers kernel_info while
 * TypeScript is still being loaded here.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import { SHARED_BYTES, type WireData } from "./thread-messages.js";
import { readConnection } from "./wire/connection-file.js";

const FILE = process.argv[2];
if (!FILE) {
  console.error(
    "This is bpflab's Jupyter kernel; Jupyter starts it with a connection file: node main.js CONNECTION_FILE",
  );
  process.exit(2);
}

const shared = new Int32Array(new SharedArrayBuffer(SHARED_BYTES));
const link = new MessageChannel();
const input = new MessageChannel();
const PARENT = Number(process.env["BPFLAB_PARENT"] ?? process.ppid); // setup/kernel.sh says who it was at the start
delete process.env["BPFLAB_PARENT"];
const workerData: WireData = {
  connection: readConnection(FILE),
  shared,
  engine: link.port2,
  input: input.port2,
  parent: PARENT,
};
const wire = new Worker(new URL("./wire/worker.js", import.meta.url), {
  workerData,
  transferList: [link.port2, input.port2],
});
wire.on("error", (error) => {
  process.stderr.write(`The kernel's connection failed: ${error.stack}\n`);
  process.kill(process.pid, "SIGKILL");
});

const [{ Engine }, { sweep }] = await Promise.all([import("./engine/engine.js"), import("../net/orphans.js")]);
// What a killed kernel left on the network goes before anybody wonders about it. And before the first cell:
// require() in a cell fails on a module that import() is still loading.
await sweep();
new Engine({ port: link.port1, shared, answers: input.port1 });
