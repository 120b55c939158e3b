import { Observable } from "rxjs";
import { cellRun, type CellRun } from "../base/display.js";
import { replaceEarlier } from "./rerun.js";
import type { HookCost, Run } from "./run.js";

interface Shared {
  run: Promise<Run>;
  /** The run, as soon as it is there. */
  loaded?: Run;
  users: number;
}

/** What runs of one probe: runs of one caller's own, and the one that all share who want its events at the same time. */
export class Runs {
  readonly #hooks: string;
  readonly #load: () => Promise<Run>;
  readonly #all = new Set<Run>();
  #shared: Shared | undefined;
  #attached: (() => void) | undefined;
  #counting = false;
  #costs: HookCost[] = [];

  /**
   * @param hooks the names of the probe's hooks
   * @param load compiles and loads what the probe asks
   */
  constructor(hooks: string, load: () => Promise<Run>) {
    this.#hooks = hooks;
    this.#load = load;
  }

  get running(): boolean {
    return this.#all.size > 0;
  }

  open(): Run[] {
    return [...this.#all].filter((run) => !run.object.closed);
  }

  /** A run of one's own. */
  async own(): Promise<Run> {
    const run = await this.#load();
    this.#all.add(run);
    if (this.#counting) run.costs();
    run.object.onClose(() => {
      if (this.#counting) this.#costs = run.costs();
      this.#all.delete(run);
    });
    return run;
  }

  /** Counts one more user of the shared run. The function that it returns counts one less; the last ends the run. */
  #enter(shared: Shared): () => void {
    shared.users++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (--shared.users > 0) return;
      if (this.#shared === shared) this.#shared = undefined;
      void shared.run.then(
        (run) => run.close(),
        () => {},
      );
    };
  }

  /** The run that all share who want it at the same time; it ends with the last of them. */
  async share(): Promise<{ run: Run; leave: () => void }> {
    const shared = (this.#shared ??= { run: this.own(), users: 0 });
    const leave = this.#enter(shared);
    try {
      const run = (shared.loaded = await shared.run);
      if (!run.object.closed) return { run, leave };
      this.#shared = undefined;
      return await this.share();
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Attaches what runs until it is told to end, in the place of what an earlier run of the cell began. */
  async #begin(run: Run, cell: CellRun | undefined): Promise<void> {
    await run.attach();
    replaceEarlier(run, cell, this.#hooks);
  }

  /** A stream of a shared run, which is attached while somebody listens. */
  stream<T>(of: (run: Run) => Observable<T>): Observable<T> {
    return new Observable<T>((subscriber) => {
      const cell = cellRun();
      const join = (run: Run, leave: () => void) => {
        subscriber.add(leave);
        if (subscriber.closed) return;
        subscriber.add(of(run).subscribe(subscriber));
        this.#begin(run, cell).catch((error: unknown) => subscriber.error(error));
      };
      // Whoever joins a run misses nothing of what the caller starts in its next line.
      const { loaded } = this.#shared ?? {};
      if (loaded && !loaded.object.closed) join(loaded, this.#enter(this.#shared!));
      else
        this.share().then(
          ({ run, leave }) => join(run, leave),
          (error: unknown) => subscriber.error(error),
        );
    });
  }

  /** Attaches until `close()`. */
  async attach(): Promise<void> {
    const cell = cellRun();
    if (this.#attached && this.running) {
      const run = await this.#shared?.run;
      if (run) replaceEarlier(run, cell, this.#hooks); // the cell still wants it
      return;
    }
    this.#attached?.(); // what was replaced
    this.#attached = undefined;
    const { run, leave } = await this.share();
    try {
      await this.#begin(run, cell);
    } catch (error) {
      leave();
      throw error;
    }
    this.#attached = leave;
  }

  /** The run that `attach` began; undefined when there is none. */
  attached(): Promise<Run> | undefined {
    return this.#attached && this.#shared?.run;
  }

  /** What the running programs have cost, or what the last run did. The kernel counts from the first call on. */
  costs(): HookCost[] {
    this.#counting = true;
    const costs = [...this.#all].flatMap((run) => run.costs());
    return costs.length > 0 ? costs : this.#costs;
  }

  close(): void {
    this.#attached?.();
    this.#attached = undefined;
    for (const run of [...this.#all]) run.close();
  }
}
