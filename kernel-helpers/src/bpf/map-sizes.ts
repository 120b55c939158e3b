/** Checks of an opened object before the kernel sees it, whose own words for these mistakes say nothing. */
import { ArgumentError } from "../base/errors.js";
import type { MapDescription } from "../base/native.js";
import { excerpt, placeText, type SourceName } from "../clang/diagnostics.js";

// These have no bound, or libbpf knows it.
const unsized = /storage$|^perf_event_array$|^struct_ops$/;

/** The kernel would call a map without a size an invalid argument. @throws ArgumentError */
export function requireSizes(maps: readonly MapDescription[], compiled: SourceName & { source: string }): void {
  for (const { name, typeName, maxEntries, isInternal } of maps) {
    if (isInternal || maxEntries > 0 || unsized.test(typeName)) continue;
    const rows = compiled.source.split("\n");
    const column = (row: string) => row.search(new RegExp(`\\b${name}\\s+SEC\\(`)) + 1;
    const line = rows.findIndex((row) => column(row) > 0) + 1;
    const where = line > 0 ? `${placeText(compiled, compiled.file, line)}: ` : "";
    const shown = line > 0 ? `\n${excerpt(compiled.source, line, column(rows[line - 1]!))}` : "";
    throw new ArgumentError(`${where}The map ${name} does not say how many entries it holds.${shown}`, {
      hint:
        typeName === "ringbuf"
          ? `Add its size in bytes, a power of two: __uint(max_entries, 256 * 1024); or load it with maxEntries: { ${name}: 256 * 1024 }.`
          : `Add it to its definition: __uint(max_entries, 1024); or load it with maxEntries: { ${name}: 1024 }.`,
    });
  }
}
