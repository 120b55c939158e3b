import type { afterEach } from "node:test";

interface Child {
  kill(signal: NodeJS.Signals): boolean;
  once(event: "close", listener: () => void): unknown;
  exitCode: number | null;
  signalCode: NodeJS.Signals | null;
}

/**
 * Ends the processes that tests start, whatever became of the tests: after each of them with `afterEach`, after the last of
 * the suite or the file with `after`. Returns a function that takes a process just started, and gives it back.
 *
 * @example
 * const owned = childrenUntil(afterEach);
 * const child = owned(spawn("sleep", ["600"]));
 */
export function childrenUntil(hook: typeof afterEach): <C extends Child>(child: C) => C {
  const running = new Set<Child>();
  hook(async () => {
    await Promise.all(
      [...running].map(
        (child) => new Promise<void>((resolve) => (child.once("close", resolve), child.kill("SIGKILL"))),
      ),
    );
  });
  return (child) => {
    running.add(child);
    child.once("close", () => running.delete(child));
    return child;
  };
}
