/** Signals in this thread: the main thread hears of none while a cell keeps it busy, and Node offers them nowhere else. */
import { constants } from "node:os";
import { nodeInternal } from "./node-internals.js";

interface SignalWrap {
  onsignal: () => void;
  start(signal: number): number;
  unref(): void;
}

/** Calls back at each SIGINT, which no longer ends the process. */
export function onSigint(callback: () => void): void {
  const { Signal } = nodeInternal<{ Signal: new () => SignalWrap }>("signal_wrap");
  const signal = new Signal();
  signal.onsignal = callback;
  signal.start(constants.signals.SIGINT);
  signal.unref();
}
