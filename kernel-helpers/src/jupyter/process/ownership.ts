/** Ties what a cell starts to the cell, so that an interrupt ends that too. */
import { AsyncResource } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import timers from "node:timers";
import promises from "node:timers/promises";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { ownCell } from "../interrupt/cell.js";
import { KeyboardInterrupt } from "../kernel-errors.js";
import { rethrown } from "../interrupt/rethrown.js";
import { macrotask } from "../interrupt/macrotask.js";

/** Passes a value on in a cell that goes on, and ends the code of one that was stopped. */
export function alive<T>(value: T): T {
  if (ownCell()?.abandoned) throw new KeyboardInterrupt();
  return value;
}

/** Timers that have fired are forgotten when this many are kept, in a cell that lasts. */
const MOST_KEPT = 1000;

/** Makes the timer functions, wherever cells get them from, tell the running cell of each timer. */
export function ownTimers(): void {
  const { clearTimeout } = globalThis; // not what a cell may have put in its place
  const kept = new Set<NodeJS.Timeout>();
  const keep = (timer: NodeJS.Timeout): void => {
    const cell = ownCell();
    cell?.own(timer, () => clearTimeout(timer));
    if (kept.add(timer).size <= MOST_KEPT) return;
    for (const one of kept) {
      if (!(one as { _destroyed?: boolean })._destroyed) continue;
      kept.delete(one);
      cell?.disown(one);
    }
  };
  timers.setTimeout = globalThis.setTimeout = watched(setTimeout, keep);
  timers.setInterval = globalThis.setInterval = watched(setInterval, keep);
  ownImmediates();
  promises.setTimeout = waiting(promises.setTimeout);
  promises.setImmediate = waiting(promises.setImmediate);
}

/** Immediates run in turns in which they can be ended, and not at all in a cell that was. */
function ownImmediates(): void {
  const { clearImmediate } = globalThis;
  const cleared = new WeakSet<NodeJS.Immediate>();
  timers.clearImmediate = globalThis.clearImmediate = (immediate) => {
    if (immediate) cleared.add(immediate);
    clearImmediate(immediate);
  };
  const plant = (
    original: typeof setImmediate,
    [callback, ...args]: Parameters<typeof setImmediate>,
  ): NodeJS.Immediate => {
    if (typeof callback !== "function") return original(callback); // Node's own complaint
    const call = (): void => {
      if (!cleared.has(immediate) && !ownCell()?.abandoned) rethrown(() => callback(...args));
    };
    const immediate = original(() => macrotask(AsyncResource.bind(call)));
    return immediate;
  };
  timers.setImmediate = globalThis.setImmediate = replaced(setImmediate, plant);
}

/** The function, and a look at what it returns. */
function watched<F extends (...args: never[]) => unknown>(original: F, keep: (made: never) => void): F {
  return replaced(original, (target, args) => {
    const made = target(...args) as never;
    keep(made);
    return made;
  });
}

/** Another function in place of one, with that one's properties. */
function replaced<F extends (...args: never[]) => unknown>(
  original: F,
  by: (original: F, args: Parameters<F>) => unknown,
): F {
  return new Proxy(original, {
    apply: (target, _self, args) => by(target, args as Parameters<F>),
    // What util.promisify gives in place of the function.
    get: (target, name) =>
      name === promisify.custom ? promises[original.name as "setTimeout"] : (Reflect.get(target, name) as unknown),
  });
}

/** A promise of a timer, which settles with the end of a cell that was stopped meanwhile. */
function waiting<F extends (...args: never[]) => Promise<unknown>>(original: F): F {
  return new Proxy(original, {
    apply: (target, self, args) => (Reflect.apply(target, self, args) as Promise<unknown>).then(alive),
  });
}

/** Makes each child process and thread that a cell starts end with the cell when that is stopped, and each process with the kernel. */
export function ownProcesses(): void {
  const children = new Set<ChildProcess>();
  process.on("exit", () => {
    for (const child of children) child.kill();
  });
  subscribe("child_process", (message) => {
    const cell = ownCell();
    const { process: child } = message as { process: ChildProcess };
    children.add(child);
    cell?.own(child, () => child.kill());
    child.once("close", () => {
      children.delete(child);
      cell?.disown(child);
    });
  });
  subscribe("worker_threads", (message) => {
    const cell = ownCell();
    const { worker } = message as { worker: Worker };
    cell?.own(worker, () => void worker.terminate());
    worker.once("exit", () => cell?.disown(worker));
  });
}

interface Subscription {
  closed: boolean;
  unsubscribe(): void;
  add(teardown: () => void): void;
}

/** The part of RxJS that is looked at: its one way to subscribe. */
export interface Subscribable {
  prototype: { subscribe(...args: unknown[]): Subscription };
}

const ownedClasses = new WeakSet<Subscribable>();

/** Makes an Observable class tell the running cell of each subscription. */
export function ownSubscriptions(observable: Subscribable): void {
  if (ownedClasses.has(observable)) return;
  ownedClasses.add(observable);
  const { subscribe } = observable.prototype;
  observable.prototype.subscribe = function (...args) {
    const subscription = subscribe.apply(this, args);
    const cell = ownCell();
    if (cell && !subscription.closed) {
      cell.own(subscription, () => subscription.unsubscribe());
      subscription.add(() => cell.disown(subscription));
    }
    return subscription;
  };
}
