/** Ends the child process that a call of the main thread waits for, as Ctrl-C does in a terminal: with all that it has started. */
import { alive, descendantsOf, newestChild, type Process } from "../../base/processes.js";
import { Shared } from "../thread-messages.js";

/** Time that the processes get to end at a SIGINT. */
const PATIENCE_MS = 50;

/** Does nothing if no call waits. */
export function endWaitedChild(shared: Int32Array, sequence: number): void {
  const before = Atomics.load(shared, Shared.waitsForChild);
  const child = newestChild();
  if (before === 0 || child === undefined || child === before) return;
  Atomics.store(shared, Shared.childEndedBy, sequence);
  const family = [...descendantsOf(process.pid).filter(({ pid }) => pid === child), ...descendantsOf(child)];
  signal(family, "SIGINT");
  setTimeout(() => signal(family, "SIGKILL"), PATIENCE_MS);
}

function signal(processes: Process[], name: NodeJS.Signals): void {
  for (const { pid } of alive(processes)) {
    try {
      process.kill(pid, name);
    } catch {
      // it has just ended
    }
  }
}
