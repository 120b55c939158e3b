/**
 * The main thread's side of ending busy code: a function that the wire's
 * inspector session calls in the middle of whatever runs.
 *
 * Node 20 keeps a stack of async ids that before- and after-hooks push and pop
 * (AsyncLocalStorage turns them on for promises). Terminated code never reaches
 * its after-hook, and Node then aborts the process ("execution_async_id() == 0"
 * in InternalCallbackScope::Close). So the stack is emptied in the same breath as
 * the termination is asked for, and never from inside a hook.
 */
import { Session } from "node:inspector";
import { setImmediate } from "node:timers"; // the one that no cell ends
import { fileURLToPath } from "node:url";
import { Shared } from "../thread-messages.js";
import { nodeInternal } from "./node-internals.js";
import { inCriticalSection, leaveCriticalSections } from "../../base/critical-section.js";

interface AsyncWrap {
  clearAsyncIdStack(): void;
}

const KERNEL = fileURLToPath(new URL("..", import.meta.url));

/** Frames of Node and of this kernel; anything else is the user's code or a library that it called. */
function isOurs(frame: string): boolean {
  return frame.includes("node:") || frame.includes(KERNEL) || frame.includes("<anonymous>");
}

/**
 * Frames of Node's module loader: modules that it has not finished stay half loaded for ever, and it may abort
 * the process when it meets one again.
 */
function isLoading(frame: string): boolean {
  return /\bModule\._load \(|node:internal\/modules\/esm\//.test(frame);
}

/**
 * The function that protects work, before it counts it or after. V8 ends code at its next check, which is
 * later than this one: inside the work.
 */
function isAtProtection(frame: string | undefined): boolean {
  return frame?.includes("/base/critical-section.") ?? false;
}

/**
 * Makes the function available; it returns true when it has ended the user's code. It is given the sequence number
 * of the interrupt: once that is served, what runs is another cell.
 */
export function offerTermination(shared: Int32Array): void {
  const wrap = nodeInternal<AsyncWrap>("async_wrap");
  let isLeaving = false;
  let session: Session | undefined;
  // A process that exits waits for its inspector sessions.
  const disconnect = () => {
    session?.disconnect();
    session = undefined;
  };
  process.prependOnceListener("exit", () => {
    isLeaving = true; // what is done at the process's end is done whole
    disconnect();
  });
  Object.defineProperty(globalThis, Symbol.for("bpflab.terminate"), {
    value: (sequence: number) => {
      if (isLeaving || inCriticalSection() || Atomics.load(shared, Shared.interruptsServed) >= sequence) return false;
      const limit = Error.stackTraceLimit;
      const prepare = Error.prepareStackTrace;
      Error.stackTraceLimit = Infinity;
      delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
      const frames = (new Error().stack ?? "").split("\n").slice(3); // past the message, this function and the inspector's expression
      Error.stackTraceLimit = limit;
      if (prepare) Error.prepareStackTrace = prepare;
      if (frames.every(isOurs) || frames.some(isLoading) || isAtProtection(frames[0])) return false;
      if (frames.slice(0, 2).some((frame) => frame.includes("node:internal/async_hooks"))) return false;
      if (!session) (session = new Session()).connect();
      setImmediate(() => {
        disconnect();
        leaveCriticalSections();
      });
      wrap.clearAsyncIdStack();
      session.post("Runtime.terminateExecution");
      return true;
    },
  });
}
