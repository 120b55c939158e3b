/**
 * The wire, in a thread of its own: zeromq sockets, signatures, heartbeat, and
 * every answer that needs no user code.
 */
import { workerData } from "node:worker_threads";
import { Publisher, Reply, Router } from "zeromq";
import { alive, descendantsOf } from "../../base/processes.js";
import { Debugger, type DebugRequest } from "../debugger/debugger.js";
import { Shared, type ToEngine, type ToWire, type WireData } from "../thread-messages.js";
import { addressOf } from "./connection-file.js";
import { kernelInfo } from "./info.js";
import { GRACE_MS, Interrupter } from "../interrupt/interrupter.js";
import { Codec, type Incoming } from "./message.js";
import { SendQueue } from "./send-queue.js";
import { IopubPublisher } from "./publisher.js";
import { onSigint } from "../interrupt/signal.js";

const { connection, shared, engine, input, parent } = workerData as WireData;

/** Time the main thread gets to begin to leave before the process is killed; and to remove what it made, once it has begun. */
const [EXIT_MS, CLEANUP_MS] = [700, 10_000];

// No high-water mark: zeromq would drop messages of a busy cell beyond it.
const unbounded = { sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 200 };
const sockets = {
  iopub: new Publisher({ sendHighWaterMark: 0, linger: 200 }),
  shell: new Router(unbounded),
  control: new Router(unbounded),
  stdin: new Router(unbounded),
  heartbeat: new Reply(),
};
const codec = new Codec(connection.signature_scheme, connection.key);
const out = {
  iopub: new SendQueue(sockets.iopub),
  shell: new SendQueue(sockets.shell),
  control: new SendQueue(sockets.control),
  stdin: new SendQueue(sockets.stdin),
};
const iopub = new IopubPublisher(codec, out.iopub, (weight) => {
  Atomics.sub(shared, Shared.backlog, weight);
  Atomics.notify(shared, Shared.backlog);
});

interface Asked {
  socket: "shell" | "control";
  message: Incoming;
}
/** Requests that the engine has yet to answer. */
const asked = new Map<number, Asked>();
/** Each ends when its socket is closed. */
const listening: Promise<void>[] = [];
let requests = 0;
/** The execute request that runs now. */
let executing: { id: number; parent: string } | undefined;

function tellEngine(message: ToEngine): void {
  engine.postMessage(message);
}

const interrupter = new Interrupter(shared, tellEngine, { tell: tellStuck, giveUp });
onSigint(interrupt);

let events = 0;
const debug = new Debugger((event, body) => {
  const content = JSON.stringify({ type: "event", seq: ++events, event, body });
  iopub.publish("debug_event", executing?.parent ?? "{}", content);
});
/** Debug requests are answered one after another. */
let debugging: Promise<unknown> = Promise.resolve();

function interrupt(): void {
  interrupter.interrupt();
  void debug.release(GRACE_MS + 50); // code that stands at a breakpoint is ended there, and goes on for that
}

async function answerDebug(request: Asked): Promise<void> {
  iopub.status("busy", request.message.header);
  reply(request, JSON.stringify(await debug.answer(request.message.content as unknown as DebugRequest)));
  idle(request.message.header);
}

function tellStuck(): void {
  if (!executing) return;
  const text =
    "The cell is in a call that cannot be ended from outside, such as a read of a pipe that nobody writes to. " +
    "It will stop when the call returns. Interrupt again to restart the kernel: what is attached is detached.\n";
  iopub.publish("stream", executing.parent, JSON.stringify({ name: "stderr", text }));
}

/** Ends the process, which Jupyter starts again: only that ends a native call. The kernel closes all links with it. */
function giveUp(): void {
  const request = executing && asked.get(executing.id);
  if (request) {
    const evalue = "The cell was in a call that cannot be ended, and the kernel with it was.";
    const error = { ename: "KeyboardInterrupt", evalue, traceback: [`KeyboardInterrupt: ${evalue}`] };
    iopub.publish("error", request.message.header, JSON.stringify(error));
    reply(request, JSON.stringify({ status: "error", ...error, execution_count: 0 }));
  }
  for (const { pid } of alive(descendantsOf(process.pid))) {
    try {
      process.kill(pid, "SIGTERM");
    } catch {
      // it has just ended
    }
  }
  void Promise.all(Object.values(out).map((box) => box.flushed())).then(() => {
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 50); // zeromq's own thread writes to the network after send() resolves
  });
}

function reply({ socket, message }: Asked, content: string): void {
  void out[socket].send(
    codec.encode(message.identities, message.type.replace(/_request$/, "_reply"), message.header, content),
  );
}

function idle(parent: string): void {
  iopub.status("idle", parent);
  // Front ends show the newest status: an aside must not make a running cell look finished.
  if (executing) iopub.status("busy", executing.parent);
}

function answerHere(request: Asked, content: Record<string, unknown>): void {
  iopub.status("busy", request.message.header);
  reply(request, JSON.stringify(content));
  idle(request.message.header);
}

async function shutdown(request: Asked): Promise<void> {
  answerHere(request, { status: "ok", restart: request.message.content["restart"] === true });
  await Promise.all(Object.values(out).map((box) => box.flushed()));
  setTimeout(() => leave(), 20); // zeromq's own thread writes to the network after send() resolves
}

/** Ends the process: the sockets first, and all that looks at them; a call into zeromq in a thread that is torn down aborts the process. */
function leave(): void {
  debug.stop();
  for (const socket of Object.values(sockets)) socket.close();
  void Promise.allSettled(listening).then(() => {
    tellEngine({ kind: "shutdown" });
    interrupter.leave();
  });
  const begun = performance.now();
  const end = (): void => {
    // Test hosts and trace buffers take their time on a busy machine.
    const isCleaning = Atomics.load(shared, Shared.leaving) === 1 && performance.now() - begun < CLEANUP_MS;
    if (isCleaning) setTimeout(end, 50);
    else process.kill(process.pid, "SIGKILL");
  };
  setTimeout(end, EXIT_MS);
}

function receive(socket: Asked["socket"], frames: Buffer[]): void {
  const message = codec.decode(frames);
  if (!message) return;
  const request: Asked = { socket, message };
  switch (message.type) {
    case "kernel_info_request":
      return answerHere(request, kernelInfo);
    case "interrupt_request":
      interrupt();
      return answerHere(request, { status: "ok" });
    case "shutdown_request":
      return void shutdown(request);
    case "debug_request":
      debugging = debugging.then(() => answerDebug(request));
      return;
  }
  const id = ++requests;
  asked.set(id, request);
  if (message.type === "execute_request") Atomics.store(shared, Shared.newestExecute, id);
  const { type, header: parent, content, metadata, buffers } = message;
  const cellId = typeof metadata["cellId"] === "string" ? metadata["cellId"] : undefined;
  tellEngine({ kind: "request", request: { id, type, parent, content, cellId, buffers } });
}

function fromEngine(message: ToWire): void {
  switch (message.kind) {
    case "publish":
    case "stream":
    case "update":
      return iopub.take(message);
    case "busy":
      if (asked.get(message.id)?.message.type === "execute_request") executing = message;
      return iopub.status("busy", message.parent);
    case "reply": {
      const request = asked.get(message.id);
      asked.delete(message.id);
      if (executing?.id === message.id) {
        executing = undefined;
        void debug.rearm();
      }
      if (!request) return;
      iopub.flush(); // what the cell wrote leaves before its reply
      if (message.content) reply(request, message.content);
      return idle(request.message.header);
    }
    case "input": {
      const request = asked.get(message.id);
      if (!request) return;
      iopub.flush();
      return void out.stdin.send(
        codec.encode(request.message.identities, "input_request", request.message.header, message.content),
      );
    }
  }
}

async function listen(socket: AsyncIterable<Buffer[]>, handle: (frames: Buffer[]) => unknown): Promise<void> {
  for await (const frames of socket) await handle(frames);
}

// iopub first: a front end that got through to the shell must not miss what follows.
await sockets.iopub.bind(addressOf(connection, connection.iopub_port));
await sockets.heartbeat.bind(addressOf(connection, connection.hb_port));
await sockets.control.bind(addressOf(connection, connection.control_port));
await sockets.stdin.bind(addressOf(connection, connection.stdin_port));
await new Promise((resolve) => setTimeout(resolve, 20)); // zeromq drops what nobody has subscribed to yet
iopub.status("starting", "{}");
await sockets.shell.bind(addressOf(connection, connection.shell_port));

engine.on("message", (messages: ToWire[]) => messages.forEach(fromEngine));
listening.push(
  listen(sockets.heartbeat, (frames) => sockets.heartbeat.send(frames)),
  listen(sockets.control, (frames) => receive("control", frames)),
  listen(sockets.shell, (frames) => receive("shell", frames)),
  listen(sockets.stdin, (frames) => {
    const message = codec.decode(frames);
    if (message?.type !== "input_reply") return;
    input.postMessage(String(message.content["value"] ?? ""));
    Atomics.store(shared, Shared.inputReady, 1);
    Atomics.notify(shared, Shared.inputReady);
  }),
);

// A server that was killed cannot say so: its kernels would run on for ever.
if (process.env["JPY_PARENT_PID"]) setInterval(() => process.ppid !== parent && leave(), 1000).unref();
