/** Calls that wait for a child process, such as `execFileSync("ping", …)`: nothing else can end the code meanwhile, so an interrupt ends the child. */
import children from "node:child_process";
import { newestChild } from "../../base/processes.js";
import { Shared } from "../thread-messages.js";
import { ownCell } from "../interrupt/cell.js";
import { KeyboardInterrupt } from "../kernel-errors.js";
import { criticalSection } from "../../base/critical-section.js";

/** Lets the wire see such calls. @param interrupt called in one whose child an interrupt has ended */
export function interruptBlockingCalls(shared: Int32Array, interrupt: (sequence: number) => void): void {
  const wait = <Result>(call: () => Result): Result => {
    if (ownCell()?.interrupt.signal.aborted) throw new KeyboardInterrupt(); // one that catches it and calls again
    Atomics.store(shared, Shared.childEndedBy, 0);
    Atomics.store(shared, Shared.waitsForChild, newestChild() ?? 1);
    try {
      return call();
    } finally {
      Atomics.store(shared, Shared.waitsForChild, 0);
      const sequence = Atomics.exchange(shared, Shared.childEndedBy, 0);
      if (sequence > 0) {
        interrupt(sequence);
        throw new KeyboardInterrupt(); // in place of what the child's end gave, which nobody is to take for its own
      }
    }
  };
  const watched = <F extends (...args: never[]) => unknown>(call: F): F =>
    new Proxy(call, {
      apply: (target, self, args) => criticalSection(() => wait(() => Reflect.apply(target, self, args) as unknown)),
    });
  children.spawnSync = watched(children.spawnSync);
  children.execSync = watched(children.execSync);
  children.execFileSync = watched(children.execFileSync);
}
