/**
 * All that this kernel changes of Node and of libraries, in one place, in the order in which it has to happen:
 *
 * | what | why | where |
 * |---|---|---|
 * | process.stdout and process.stderr, write | output belongs to the cell whose code made it | stdio.ts |
 * | prompt, confirm, alert, process.stdin, console.clear | they ask in the notebook, and clear its output | notebook-globals.ts |
 * | uncaughtException, process.exit | an error fails its cell, not the kernel | uncaught.ts |
 * | Error.prepareStackTrace | frames show the cell's own lines | typescript/cell-stacks.ts |
 * | globalThis[Symbol.for("bpflab.terminate")] | what the wire's inspector session calls to end busy code | interrupt/termination.ts |
 * | Promise.prototype[inspect.custom] | promises print without Node's bookkeeping of async contexts | promises.ts |
 * | timers and node:timers/promises | a timer ends with the cell that was interrupted | ownership.ts |
 * | child_process and worker_threads (diagnostics channels) | so does what a cell started | ownership.ts |
 * | child_process.spawnSync, execSync, execFileSync | an interrupt ends the child that they wait for | blocking-calls.ts |
 * | the same, and ChildProcess.prototype.spawn | the output of a child that inherits it is its cell's | inherited.ts |
 * | RxJS's Observable.prototype.subscribe | a subscription ends with its cell | ownership.ts, when cells first import RxJS |
 * | require.cache of tslab's compiler | tslab's executor uses the project's TypeScript | typescript/tslab.ts |
 * | the listeners for uncaught errors that node:test adds | a cell's error is not its test runner's | typescript/packages.ts, when cells first import node:test |
 * | globalThis[Symbol.for("bpflab.debug")] | what the debugger asks of this thread | debugger/access.ts |
 * | globalThis[Symbol.for("bpflab.kept")] | what the heap's snapshot holds of the compiler | make-snapshot.ts |
 * | globalThis[Symbol.for("bpflab.cells")] | from where a C cell's TypeScript takes the handle | bpf/bpf-cell.ts |
 */
import type { Channel } from "../channel.js";
import type { ErrorContent } from "../kernel-errors.js";
import { offerTermination } from "../interrupt/termination.js";
import { interruptBlockingCalls } from "./blocking-calls.js";
import { installGlobals } from "./notebook-globals.js";
import { showInherited } from "./inherited.js";
import type { Input } from "./input.js";
import { ownProcesses, ownTimers } from "./ownership.js";
import { hideBookkeeping } from "./promises.js";
import { captureStdio } from "./stdio.js";
import { catchUncaught } from "./uncaught.js";

/** What the changes need of the kernel. */
export interface Kernel {
  channel: Channel;
  shared: Int32Array;
  input: Input;
  tracebacks: { describe(error: unknown): ErrorContent; stacks: { install(): void } };
  /** Called when an interrupt comes while a call waits for a child. */
  interrupt: (sequence: number) => void;
}

/** Makes the changes; returns the real `process.exit`, for the kernel itself. */
export function install({ channel, shared, input, tracebacks, interrupt }: Kernel): () => never {
  captureStdio((name, parent, text) => channel.output({ kind: "stream", name, parent, text }));
  installGlobals(channel, input);
  const exit = catchUncaught(channel, tracebacks);
  tracebacks.stacks.install();
  offerTermination(shared);
  hideBookkeeping();
  ownTimers();
  ownProcesses();
  showInherited();
  interruptBlockingCalls(shared, interrupt);
  return exit;
}
