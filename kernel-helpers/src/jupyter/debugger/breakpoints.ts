/** Lines where the user wants the code to stop, and the places in scripts that stand for them. */
import type { Place } from "./access.js";
import type { MainThread } from "./main-thread.js";

interface Wanted {
  line: number;
  condition?: string;
}

export class Breakpoints {
  readonly #main: MainThread;
  readonly #wanted = new Map<string, Wanted[]>();
  /** V8's ids of those that are set, by path. */
  readonly #set = new Map<string, string[]>();

  constructor(main: MainThread) {
    this.#main = main;
  }

  /** As debugInfo tells them. */
  get all(): { source: string; breakpoints: Wanted[] }[] {
    return [...this.#wanted].map(([source, breakpoints]) => ({ source, breakpoints }));
  }

  /** Sets those of a cell or a file in place of what it had; in what has run already, and in what runs from now on. */
  async replace(path: string, wanted: readonly Wanted[]): Promise<void> {
    const { session, scripts } = this.#main;
    for (const breakpointId of this.#set.get(path) ?? [])
      await session.post("Debugger.removeBreakpoint", { breakpointId });
    this.#set.delete(path);
    this.#wanted.delete(path);
    const plain = wanted.map(({ line, condition }) => ({ line, ...(condition ? { condition } : {}) }));
    if (plain.length > 0) this.#wanted.set(path, plain);
    for (const scriptId of scripts.keys()) await this.setIn(scriptId, path);
  }

  /** Sets what is wanted in a script. @param only that path's */
  async setIn(scriptId: string, only?: string): Promise<void> {
    const url = this.#main.scripts.get(scriptId);
    if (url === undefined || this.#wanted.size === 0) return;
    const path = await this.#main.pathOf(url);
    const wanted = path === null ? undefined : this.#wanted.get(path);
    if (path === null || !wanted || (only !== undefined && path !== only)) return;
    const { session } = this.#main;
    const { locations } = await session.post("Debugger.getPossibleBreakpoints", { start: { scriptId, lineNumber: 0 } });
    const places = await this.#main.places(url, locations);
    for (const { line, condition } of wanted) {
      const index = nearest(places, line);
      if (index === undefined) continue;
      const how = { location: locations[index]!, ...(condition ? { condition } : {}) };
      const { breakpointId } = await session.post("Debugger.setBreakpoint", how);
      this.#set.set(path, [...(this.#set.get(path) ?? []), breakpointId]);
    }
  }
}

/** The first place of the line, or of the next one that has code. */
function nearest(places: readonly (Place | null)[], line: number): number | undefined {
  let best: number | undefined;
  for (const [index, place] of places.entries())
    if (place && place.line >= line && (best === undefined || place.line < places[best]!.line)) best = index;
  return best;
}
