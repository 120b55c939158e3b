/** Ties what a cell starts to the cell, so that an interrupt ends that too. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import timers from "node:timers";
import promises from "node:timers/promises";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { ownCell } from "./cell.js";
import { KeyboardInterrupt } from "./errors.js";

/** Passes a value on in a cell that goes on, and ends the code of one that was stopped. */
export function alive<T>(value: T): T {
  if (ownCell()?.abandoned) throw new KeyboardInterrupt();
  return value;
}

/** Timers that have fired are forgotten when this many are kept, in a cell that lasts. */
const MOST_KEPT = 1000;

/** Makes the timer functions, wherever cells get them from, tell the running cell of each timer. */
export function leashTimers(): void {
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
  timers.setTimeout = globalThis.setTimeout = leashed(setTimeout, keep);
  timers.setInterval = globalThis.setInterval = leashed(setInterval, keep);
  timers.setImmediate = globalThis.setImmediate = leashed(setImmediate, (immediate: NodeJS.Immediate) => {
    if (ownCell()?.abandoned) clearImmediate(immediate); // one that plants itself anew
  });
  promises.setTimeout = waiting(promises.setTimeout);
  promises.setImmediate = waiting(promises.setImmediate);
}

/** The function with its properties, and a look at what it returns. */
function leashed<F extends (...args: never[]) => unknown>(original: F, keep: (made: never) => void): F {
  return new Proxy(original, {
    apply(target, self, args) {
      const made = Reflect.apply(target, self, args) as never;
      keep(made);
      return made as unknown;
    },
    // What util.promisify gives in place of the function.
    get: (target, name) => (name === promisify.custom ? promises[original.name as "setTimeout"] : (Reflect.get(target, name) as unknown)),
  });
}

/** A promise of a timer, which settles with the end of a cell that was stopped meanwhile. */
function waiting<F extends (...args: never[]) => Promise<unknown>>(original: F): F {
  return new Proxy(original, {
    apply: (target, self, args) => (Reflect.apply(target, self, args) as Promise<unknown>).then(alive),
  });
}

/** Makes each child process and thread that a cell starts end with the cell when that is stopped, and each process with the kernel. */
export function leashProcesses(): void {
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

const leashedClasses = new WeakSet<Subscribable>();

/** Makes an Observable class tell the running cell of each subscription. */
export function leashSubscriptions(observable: Subscribable): void {
  if (leashedClasses.has(observable)) return;
  leashedClasses.add(observable);
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
