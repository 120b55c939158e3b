import type { MapHandle } from "../../dist/base/native.js";

/** The addon's handle of a map, which the published types leave out. */
export function handleOf(map: object): MapHandle {
  return (map as { handle: MapHandle }).handle;
}
