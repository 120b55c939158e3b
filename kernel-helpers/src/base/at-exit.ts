import { onExit } from "signal-exit";
import { criticalSection } from "./critical-section.js";
import { visibleLines } from "./text.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const acts = new Set<() => void>();
let deferred = false;

/**
 * From here on a signal that the process can see (SIGINT, SIGTERM, SIGHUP) ends it between two turns of the event loop
 * only. Called before something is made that is then given to `atExit`, all within one turn: so that no signal comes
 * between the two.
 */
export function deferSignals(): void {
  if (deferred) return;
  deferred = true;
  onExit(runActs, { alwaysLast: true }); // after the child processes that others end
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

/**
 * Does something when the process ends: by itself, by process.exit, or by a signal that it can see (SIGINT, SIGTERM,
 * SIGHUP); what was begun last is done first. Returns a function that takes it back. After SIGKILL only the next start
 * can clean up; see `records.ts`.
 */
export function atExit(act: () => void): () => void {
  acts.add(act);
  deferSignals();
  return () => void acts.delete(act);
}

/**
 * signal-exit gives up its signals before it calls anybody, so that a second Ctrl-C would cut the acts short: they are
 * done here, ahead of it. It ends the process then, by the signal, if nobody else listens.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1 + signalExits()) return; // somebody handles it
  runActs();
  for (const one of SIGNALS) process.off(one, onSignal);
}

/** How many of the listeners to a signal are signal-exit's; all copies of it share the count. */
function signalExits(): number {
  const shared = globalThis as { [emitter: symbol]: { count: number } | undefined };
  return shared[Symbol.for("signal-exit emitter")]?.count ?? 0;
}

/** An interrupt that is still on its way when a notebook's kernel is shut down cuts none of them short. */
function runActs(): void {
  criticalSection(() => {
    for (const act of [...acts].reverse()) {
      acts.delete(act);
      try {
        act();
      } catch (error) {
        console.error(visibleLines((error as Error).message)); // the others still have their turn
      }
    }
  });
}
