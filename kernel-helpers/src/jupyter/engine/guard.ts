/** Keeps the kernel alive when a cell's code fails outside of anyone's reach, and says whose code it was. */
import { currentCell, failUnattended, runningCell } from "./cell.js";
import type { Channel } from "./channel.js";
import { KeyboardInterrupt, ProcessExitError } from "./errors.js";
import type { Tracebacks } from "./traceback.js";

/** Installs the guards; returns the real `process.exit`, for the kernel itself. */
export function guardProcess(channel: Channel, tracebacks: Tracebacks): () => never {
  const report = (error: unknown): void => {
    const cell = currentCell();
    if (error instanceof KeyboardInterrupt && cell?.abandoned) return; // its own end, which nobody waits for
    if (cell && cell === runningCell()) return cell.stop({ error });
    const content = tracebacks.describe(error);
    if (cell) {
      channel.publish("error", cell.parent, { ...content });
      failUnattended(cell, { error });
    } else process.stderr.write(`${content.traceback.join("\n")}\n`);
  };
  process.on("uncaughtException", report); // rejections too: Node raises them as uncaught exceptions
  const exit = process.exit.bind(process) as () => never;
  process.exit = (code?: unknown): never => {
    throw new ProcessExitError(code);
  };
  return exit;
}
