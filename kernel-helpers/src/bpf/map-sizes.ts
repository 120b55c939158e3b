/** Checks of an opened object before the kernel sees it, whose own words for these mistakes say nothing. */
import { ArgumentError } from "../base/errors.js";
import type { MapDescription } from "../base/native.js";
import { inSource, offsetOf, type WrittenSource } from "./source-place.js";

// These have no bound, or libbpf knows it.
const unsized = /storage$|^perf_event_array$|^struct_ops$/;

/** The kernel would call a map without a size an invalid argument. @throws ArgumentError */
export function requireSizes(maps: readonly MapDescription[], compiled: WrittenSource): void {
  for (const { name, typeName, maxEntries, isInternal } of maps) {
    if (isInternal || maxEntries > 0 || unsized.test(typeName)) continue;
    const at = offsetOf("map", name, compiled.source);
    const isZero = /\bmax_entries\s*,\s*0\s*\)[^}]*\}\s*$/.test(compiled.source.slice(0, Math.max(at, 0)));
    const error = new ArgumentError(
      `The map ${name} ${isZero ? "is to hold 0 entries" : "does not say how many entries it holds"}.`,
      {
        hint:
          typeName === "ringbuf"
            ? `Add its size in bytes, a power of two: __uint(max_entries, 256 * 1024); or load it with maxEntries: { ${name}: 256 * 1024 }.`
            : `${isZero ? "Write into" : "Add it to"} its definition: __uint(max_entries, 1024); or load it with maxEntries: { ${name}: 1024 }.`,
      },
    );
    throw inSource(error, at, compiled);
  }
}
