/** From a place in the code that runs back to the source. */
import { SourceMap } from "node:module";

/** A source map as JSON text, read when it is needed. */
export class LazyMap {
  readonly #text: string;
  #map: SourceMap | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Follows a place (counted from 0); undefined when the map knows nothing of it. */
  original(line: number, column: number): { line: number; column: number } | undefined {
    this.#map ??= new SourceMap(JSON.parse(this.#text) as ConstructorParameters<typeof SourceMap>[0]);
    const entry = this.#map.findEntry(line, column);
    return "originalLine" in entry ? { line: entry.originalLine, column: entry.originalColumn } : undefined;
  }
}
