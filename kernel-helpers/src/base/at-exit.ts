import { onExit } from "signal-exit";

const acts = new Set<() => void>();
let watching = false;

/**
 * Does something when the process ends: by itself, by process.exit, or by a signal that it can see (SIGINT, SIGTERM,
 * SIGHUP); what was begun last is done first. Returns a function that takes it back. After SIGKILL only the next start
 * can clean up; see `records.ts`.
 */
export function atExit(act: () => void): () => void {
  acts.add(act);
  if (!watching) {
    watching = true;
    onExit(() => {
      for (const one of [...acts].reverse()) one();
    });
  }
  return () => void acts.delete(act);
}
