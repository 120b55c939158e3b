/** One run of a cell, and how code finds the cell it belongs to. */
import { AsyncLocalStorage } from "node:async_hooks";
import { getEventListeners } from "node:events";
import type { Request } from "../thread-messages.js";
import { rethrown } from "./rethrown.js";
import { macrotask } from "./macrotask.js";

/** How a run ended, short of its result. */
export interface Failure {
  readonly error: unknown;
}

export class Cell {
  readonly id: number;
  readonly code: string;
  /** Which cell of the notebook it is, in each of its runs; of a front end that does not say, cells of the same text are one. */
  readonly cellId: string;
  /** Header of the request, the parent of all output. */
  readonly parent: string;
  readonly silent: boolean;
  /** True in a run that is to stop at an error and has nobody to ask, such as nbconvert's: nobody sees what comes to an earlier cell. */
  readonly unattended: boolean;
  /** Execution count, as shown beside the cell. */
  readonly count: number;
  readonly interrupt = new AbortController();
  /** Resolves when something other than the cell's own end ends it: an interrupt, an uncaught error. */
  readonly stopped: Promise<Failure>;
  /** What has to be over before the cell is, such as a chart that is being drawn. */
  readonly held = new Set<Promise<unknown>>();
  /** What the cell started and has not ended, with the way to end it. */
  readonly #owned = new Map<object, () => void>();
  readonly #whenOver: (() => void)[] = [];
  #stop!: (failure: Failure) => void;
  #state: "running" | "ended" | "abandoned" = "running";

  constructor(request: Request, count: number) {
    this.id = request.id;
    this.code = String(request.content["code"] ?? "");
    this.cellId = request.cellId ?? this.code;
    this.parent = request.parent;
    this.silent = request.content["silent"] === true;
    this.unattended = request.content["allow_stdin"] === false && request.content["stop_on_error"] !== false;
    this.count = count;
    this.stopped = new Promise((resolve) => (this.#stop = resolve));
  }

  /** True when nobody waits for the cell's code any more: it was interrupted, or failed from a callback. */
  get abandoned(): boolean {
    return this.#state === "abandoned";
  }

  /** Ends a running cell from outside: its code, and what it started, go with it. */
  stop(failure: Failure): void {
    if (this.#state !== "running") return;
    this.#over("abandoned");
    this.#stop(failure);
    this.#release();
  }

  /** The cell ended by itself: what it started lives on, unless that end was the answer to an interrupt, as collect() gives it. */
  end(): void {
    if (this.#state !== "running") return;
    if (this.interrupt.signal.aborted) {
      this.#over("abandoned");
      return this.#release();
    }
    this.#over("ended");
    this.#owned.clear();
    cells.lingering = [...cells.lingering, this].filter((cell) => cell.hasListeners);
  }

  #release(): void {
    for (const release of this.#owned.values()) rethrown(release); // a teardown of the user's must not keep the others from theirs
    this.#owned.clear();
  }

  /** True while something that the cell started waits for word of an interrupt, such as a live view. */
  get hasListeners(): boolean {
    return getEventListeners(this.interrupt.signal, "abort").length > 0;
  }

  /** Calls back at once when the cell is over, without a promise, whose continuation ended code could take with it. */
  whenOver(callback: () => void): void {
    this.#whenOver.push(callback);
  }

  #over(state: "ended" | "abandoned"): void {
    this.#state = state;
    for (const callback of this.#whenOver) callback();
  }

  /** Ends `thing` with the cell, should the cell be stopped. */
  own(thing: object, release: () => void): void {
    if (this.#state === "running") this.#owned.set(thing, release);
    else if (this.#state === "abandoned") release();
  }

  disown(thing: object): void {
    this.#owned.delete(thing);
  }
}

/** Resolves when nothing holds the cell any more. How the work ends is its owner's affair. */
export async function released(cell: Cell): Promise<void> {
  while (cell.held.size > 0) await Promise.allSettled(cell.held);
}

const endListeners: ((cell: Cell) => void)[] = [];

/** Calls back whenever a cell has ended without a failure, and was not interrupted. */
export function onCellEnd(listener: (cell: Cell) => void): void {
  endListeners.push(listener);
}

/** Says that a cell has ended without a failure. */
export function cellEnded(cell: Cell): void {
  if (!cell.abandoned) for (const listener of endListeners) rethrown(() => listener(cell));
}

const storage = new AsyncLocalStorage<Cell>();

/** What is known of the cells of this kernel. */
const cells = {
  /** The one whose code ran last. */
  newest: undefined as Cell | undefined,
  /** The one that the front end waits for. */
  running: undefined as Cell | undefined,
  /** Those that have ended and left something that an interrupt ends. */
  lingering: [] as Cell[],
  /** Failure of an unattended cell that came to light when no cell ran. */
  missed: undefined as Failure | undefined,
  /** How many calls of `disowned` are on the stack. */
  disowning: 0,
};

/** Ends what cells that have ended left running. */
export function interruptLingering(reason: Error): void {
  const ended = cells.lingering;
  cells.lingering = [];
  for (const cell of ended) cell.interrupt.abort(reason);
}

/** Fails what runs, or what runs next, because of a cell that has ended, if nobody would see it there. */
export function failUnattended(cell: Cell, failure: Failure): void {
  if (!cell.unattended) return;
  if (!cells.running) cells.missed ??= failure;
  else if (cells.running.unattended) cells.running.stop(failure);
}

/** The failure that a new unattended cell has to report in its place. */
export function takeMissed(): Failure | undefined {
  const failure = cells.missed;
  cells.missed = undefined;
  return failure;
}

/** The cell that the front end waits for. */
export function runningCell(): Cell | undefined {
  return cells.running;
}

/** Says which cell the front end waits for. */
export function setRunningCell(cell: Cell | undefined): void {
  cells.running = cell;
}

/** Runs code as part of a cell: its timers, promises and callbacks belong to the cell too. */
function inCell<T>(cell: Cell, code: () => T): T {
  cells.newest = cell;
  return storage.run(cell, code);
}

/**
 * Runs a cell's code in a turn of the event loop of its own, and rejects when the cell is stopped.
 * Code that is ended takes its whole stack with it: none of the kernel's own may be on it.
 */
export function inMacrotask<T>(cell: Cell, code: () => Promise<T>): Promise<T> {
  const done = new Promise<T>((resolve, reject) => {
    macrotask(() => void inCell(cell, code).then(resolve, reject));
  });
  const stopped = cell.stopped.then(({ error }) => Promise.reject<T>(error as Error));
  return Promise.race([done, stopped]);
}

/** Runs work that no cell owns: what it starts lives on when the cell is stopped. */
export function disowned<T>(work: () => T): T {
  cells.disowning++;
  try {
    return work();
  } finally {
    cells.disowning--;
  }
}

/** Runs work in the context of no cell: what it prints later belongs to the cell whose code ran last then. */
export function outsideCells<T>(work: () => T): T {
  return storage.exit(work);
}

/** The cell of this async context that owns what is started now, if it is one of a cell. */
export function ownCell(): Cell | undefined {
  return cells.disowning > 0 ? undefined : storage.getStore();
}

/** The cell whose code runs now; outside any async context, the newest one. */
export function currentCell(): Cell | undefined {
  return storage.getStore() ?? cells.newest;
}
