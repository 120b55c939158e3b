/** Keeps the kernel alive when a cell's code fails outside of anyone's reach, and says whose code it was. */
import { currentCell, failUnattended, runningCell } from "../interrupt/cell.js";
import type { Channel } from "../channel.js";
import { KeyboardInterrupt, ProcessExitError, type ErrorContent } from "../kernel-errors.js";

/** Takes over uncaught errors and process.exit; returns the real `process.exit`, for the kernel itself. */
export function catchUncaught(channel: Channel, tracebacks: { describe(error: unknown): ErrorContent }): () => never {
  const report = (error: unknown): void => {
    const cell = currentCell();
    if (cell?.abandoned && isEnd(error)) return; // nobody waits for it
    if (cell && cell === runningCell()) return cell.stop({ error });
    const content = tracebacks.describe(error);
    if (cell) {
      channel.publish("error", cell.parent, { ...content });
      failUnattended(cell, { error });
    } else process.stderr.write(`${content.traceback.join("\n")}\n`);
  };
  process.on("uncaughtException", report); // rejections too: Node raises them as uncaught exceptions
  const exit = process.exit.bind(process);
  process.exit = (code?: unknown): never => {
    throw new ProcessExitError(code);
  };
  return exit;
}

/** What code of a stopped cell meets: its own end, or that of a process that it had started. */
function isEnd(error: unknown): boolean {
  try {
    return error instanceof KeyboardInterrupt || (error as { signal?: unknown } | null)?.signal === "SIGTERM";
  } catch {
    return false; // an error here would end the process
  }
}
