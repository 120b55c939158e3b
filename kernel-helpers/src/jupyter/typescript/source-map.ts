/** From a place in the code that runs back to the line of the cell. */
import { SourceMap } from "node:module";

/** Source maps as JSON text, the one of the running code first. */
export type MapChain = readonly string[];

/** Follows a place (counted from 0) through the maps; undefined when a map knows nothing of it. */
export function originalPlace(
  maps: MapChain,
  line: number,
  column: number,
): { line: number; column: number } | undefined {
  let place = { line, column };
  for (const text of maps) {
    const entry = new SourceMap(JSON.parse(text)).findEntry(place.line, place.column);
    if (!("originalLine" in entry)) return undefined;
    place = { line: entry.originalLine, column: entry.originalColumn };
  }
  return place;
}
