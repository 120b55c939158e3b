/** One colour for one name, in all charts of a notebook: who has learnt that nginx is green reads the next chart faster. */

// Okabe and Ito's palette, its blue lighter, its yellow and its black replaced: these vanish on dark grey or on white.
const main = ["#2b82c9", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#a39a00", "#9673d9"];
// For a notebook with more names. Not as easy to tell apart, for colour-blind eyes less than for others.
const further = ["#c2185b", "#17a2a2", "#8c564b", "#6b8e23", "#5c6bc0", "#b8860b", "#e57373", "#4a90a4"];

/** A chart's one colour when nothing is told apart. */
export const SINGLE_COLOR = main[0]!;

/** Names that are remembered: a live view of short-lived processes never ends to bring new ones. */
const MOST_NAMES = 4096;

/**
 * Gives names their colours. The first names of a notebook get colours of their own, in an order that only depends on
 * the names: run again from the top in a new kernel, the notebook has the same. No two names of one chart share a colour
 * while there are colours left; two that share one, because there were more names than colours, and meet in a chart, are
 * told apart there.
 */
export class NameColors {
  readonly #slots = new Map<string, number>();

  readonly #palettes: readonly (readonly string[])[];

  /** @param palettes colours, the best to tell apart first */
  constructor(palettes: readonly (readonly string[])[] = [main, further]) {
    this.#palettes = palettes;
  }

  /** The colours of the names of one chart, the most important name first. */
  colorsFor(names: readonly string[]): string[] {
    const colors = this.#palettes.flat();
    const slots = new Map<string, number>();
    const taken = new Set<number>();
    const use = (name: string, slot: number): void => {
      slots.set(name, slot);
      taken.add(slot);
    };
    for (const name of names) {
      const slot = this.#slots.get(name);
      if (slot !== undefined && !taken.has(slot)) use(name, slot);
    }
    const without = names.filter((name) => !slots.has(name)).sort();
    for (const name of new Set(without)) {
      const slot = this.#free(name, taken) ?? this.#leastUsed(name, slots.values());
      use(name, slot);
      if (!this.#slots.has(name)) this.#remember(name, slot);
    }
    return names.map((name) => colors[slots.get(name)!]!);
  }

  /** The colour that a name has in charts where it need not give way to another; undefined for one that had none yet. */
  colorOf(name: string): string | undefined {
    return this.#palettes.flat()[this.#slots.get(name) ?? -1];
  }

  /** The colour that fewest names have, and of these the one that the name itself points to. */
  #free(name: string, taken: ReadonlySet<number>): number | undefined {
    const uses = this.#palettes.flat().map(() => 0);
    for (const slot of this.#slots.values()) uses[slot]!++;
    let best: number | undefined;
    for (const slot of this.#inOrder(name)) {
      if (taken.has(slot)) continue;
      if (best === undefined || uses[slot]! < uses[best]!) best = slot;
    }
    return best;
  }

  /** In a chart of more names than colours, the one that fewest of its names have. */
  #leastUsed(name: string, inChart: Iterable<number>): number {
    const uses = this.#palettes.flat().map(() => 0);
    for (const slot of inChart) uses[slot]!++;
    return this.#inOrder(name).reduce((best, slot) => (uses[slot]! < uses[best]! ? slot : best));
  }

  /** All slots, those of each palette from the one on that the name's hash points to. */
  #inOrder(name: string): number[] {
    const first = hash(name);
    let before = 0;
    return this.#palettes.flatMap(({ length }) => {
      const start = before;
      before += length;
      return Array.from({ length }, (_, i) => start + ((first + i) % length));
    });
  }

  #remember(name: string, slot: number): void {
    if (this.#slots.size >= MOST_NAMES) this.#slots.delete(this.#slots.keys().next().value!);
    this.#slots.set(name, slot);
  }
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** The colours of this session: of the notebook, whose kernel this process is. */
export const sessionColors = new NameColors();
