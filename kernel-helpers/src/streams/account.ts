import type { MimeBundle } from "../base/display.js";
import { thisMachine, timeText } from "../base/machine.js";

/** Where a table's rows come from, and what is missing from them. */
export interface Capture {
  /** The stream's name, such as `ringbuf.rb`. */
  source: string;
  /** What a row is: an event of a stream (the default), or an entry of a map. */
  of?: "events" | "entries";
  /** Rows of the table when it was made. */
  rows: number;
  /** Events the kernel could not store during the capture; of a map, updates that ever found it full. */
  lost: number;
  /** Events dropped at our own memory bound during the capture. */
  dropped: number;
  /** Wall-clock start and end, ms since 1970. */
  startedAt: number;
  endedAt: number;
  /** The machine and the kernel it was made on; undefined: these. */
  host?: string;
  kernel?: string;
  /** The boot that its time stamps count from, as /proc/sys/kernel/random/boot_id names it; undefined: this one. */
  bootId?: string;
  /** What to add to a time stamp (CLOCK_MONOTONIC) for the time of day, in ms since 1970, as the clocks stood at the capture's end. */
  clockOffset_ms?: number;
  /** Of a table that was put together from several captures: these. */
  parts?: readonly Capture[];
}

/**
 * One account for what was put together from several captures; undefined when it is from none. A capture that
 * comes in twice, such as two halves of one table, counts once.
 */
export function joinCaptures(source: string, captures: readonly (Capture | undefined)[]): Capture | undefined {
  const known = new Map<string, Capture>();
  for (const capture of captures.flatMap((capture) => capture?.parts ?? capture ?? []))
    known.set(JSON.stringify(capture), capture);
  const parts = [...known.values()];
  if (parts.length <= 1) return parts[0];
  const sum = (of: (part: Capture) => number) => parts.reduce((total, part) => total + of(part), 0);
  const names = (of: (part: Capture) => string) => [...new Set(parts.map(of))].join(" and ");
  const here = thisMachine();
  return {
    source,
    ...(parts.every(({ of }) => of === "entries") ? { of: "entries" } : {}),
    rows: sum(({ rows }) => rows),
    lost: sum(({ lost }) => lost),
    dropped: sum(({ dropped }) => dropped),
    startedAt: Math.min(...parts.map(({ startedAt }) => startedAt)),
    endedAt: Math.max(...parts.map(({ endedAt }) => endedAt)),
    host: names(({ host }) => host ?? here.host),
    kernel: names(({ kernel }) => kernel ?? here.kernel),
    parts,
  };
}

/** One sentence about what is missing, or undefined when nothing is. */
export function lossNote(capture: Capture | undefined): string | undefined {
  if (!capture || capture.lost + capture.dropped === 0) return undefined;
  if (capture.of === "entries")
    return `Incomplete: ${capture.lost.toLocaleString("en")} ${capture.lost === 1 ? "update" : "updates"} found no room in ${capture.source}.`;
  const total = capture.rows + capture.lost + capture.dropped;
  const share = ((100 * (capture.lost + capture.dropped)) / total).toPrecision(2);
  const parts = [
    capture.lost > 0 ? `${capture.lost.toLocaleString("en")} lost in the kernel (ring full)` : "",
    capture.dropped > 0 ? `${capture.dropped.toLocaleString("en")} dropped at the memory bound` : "",
  ].filter(Boolean);
  return `Incomplete: of ${total.toLocaleString("en")} events ${parts.join(" and ")}, ${share} %.`;
}

/** By this MIME type an output says of which capture it is; a report gathers its loss account from these. */
export const captureMime = "application/vnd.bpflab.capture+json";

/** A capture's account as a part of an output's bundle, with the machine it was made on. */
export function captureBundle(capture: Capture | undefined): MimeBundle {
  if (!capture || capture.of === "entries") return {};
  return { [captureMime]: capture.parts ? { parts: capture.parts.map(accountOf) } : accountOf(capture) };
}

function accountOf({
  source,
  rows,
  lost,
  dropped,
  startedAt,
  endedAt,
  host,
  kernel,
}: Capture): Record<string, unknown> {
  const here = thisMachine();
  return {
    source,
    rows,
    lost,
    dropped,
    startedAt,
    started: timeText(startedAt),
    ended: timeText(endedAt),
    host: host ?? here.host,
    kernel: kernel ?? here.kernel,
  };
}
