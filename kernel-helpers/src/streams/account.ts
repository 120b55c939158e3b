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
  /** Events the kernel could not store during the capture; of a map, updates that ever found it full. Undefined: not known. */
  lost: number | undefined;
  /** Why it is not known how many were lost, as a sentence; default that nobody counts them. */
  lostUnknown?: string;
  /** Events dropped at our own memory bound during the capture. */
  dropped: number;
  /** How they were dropped, where it was not just at a memory bound of this process. */
  droppedAs?: string;
  /** Records that are in no row, for they were longer or shorter than their type is, and what was wrong. */
  malformed?: { records: number; because: string };
  /** The time of day at which it began, ms since 1970. */
  startedAt: number;
  /** The time of day at which it ended, ms since 1970. */
  endedAt: number;
  /** The machine it was made on; undefined: this one. */
  host?: string;
  /** The release of the kernel it was made on; undefined: this one's. */
  kernel?: string;
  /** The boot that its time stamps count from, as /proc/sys/kernel/random/boot_id names it; undefined: this one. */
  bootId?: string;
  /** What to add to a time stamp (CLOCK_MONOTONIC) for the time of day, in ms since 1970, as the clocks stood at the capture's end. */
  clockOffset_ms?: number;
  /** What else who reads the table must know, in sentences. */
  notes?: readonly string[];
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
  const droppedAs = parts.find((part) => part.droppedAs !== undefined)?.droppedAs;
  const lostUnknown = parts.find((part) => part.lostUnknown !== undefined)?.lostUnknown;
  const notes = [...new Set(parts.flatMap(({ notes }) => notes ?? []))];
  return {
    source,
    ...(droppedAs === undefined ? {} : { droppedAs }),
    ...(parts.every(({ of }) => of === "entries") ? { of: "entries" } : {}),
    rows: sum(({ rows }) => rows),
    ...sumMissing(parts),
    startedAt: Math.min(...parts.map(({ startedAt }) => startedAt)),
    endedAt: Math.max(...parts.map(({ endedAt }) => endedAt)),
    host: names(({ host }) => host ?? here.host),
    kernel: names(({ kernel }) => kernel ?? here.kernel),
    ...(lostUnknown === undefined ? {} : { lostUnknown }),
    ...(notes.length > 0 ? { notes } : {}),
    parts,
  };
}

/** What a stream or one of its readers has missed so far. */
export type Missing = Pick<Capture, "lost" | "dropped" | "malformed">;

/** What several have missed together; what one does not know is not known of all. */
export function sumMissing(parts: readonly Missing[]): Missing {
  const bad = parts.flatMap(({ malformed }) => malformed ?? []);
  const because = [...new Set(bad.map(({ because }) => because))].join("; ");
  return {
    lost: parts.reduce<number | undefined>(
      (sum, { lost }) => (sum === undefined || lost === undefined ? undefined : sum + lost),
      0,
    ),
    dropped: parts.reduce((sum, { dropped }) => sum + dropped, 0),
    ...(bad.length > 0 ? { malformed: { records: bad.reduce((sum, { records }) => sum + records, 0), because } } : {}),
  };
}

/** What was missed since a reader began. */
export function missedSince(
  now: { lost: number | undefined; dropped: number; malformed: number; malformedBecause?: string },
  baseline: { lost: number | undefined; dropped: number; malformed: number },
): Missing {
  const records = now.malformed - baseline.malformed;
  return {
    lost: now.lost === undefined ? undefined : now.lost - (baseline.lost ?? 0),
    dropped: now.dropped - baseline.dropped,
    ...(records > 0 ? { malformed: { records, because: now.malformedBecause ?? "" } } : {}),
  };
}

/** Such as `12 lost`, or `lost unknown` where nobody counts. */
export function lossText({ lost, dropped }: Missing): string {
  if (lost !== undefined) return `${(lost + dropped).toLocaleString("en")} lost`;
  return dropped > 0 ? `at least ${dropped.toLocaleString("en")} lost` : "lost unknown";
}

/** What is missing and what is not known, in sentences; undefined when nothing is. */
export function lossNote(capture: Capture | undefined): string | undefined {
  if (!capture) return undefined;
  const { lost, malformed, notes = [] } = capture;
  const sentences = [
    missingNote(capture),
    malformed
      ? `Left out: ${malformed.records.toLocaleString("en")} ${malformed.records === 1 ? "record" : "records"} of unexpected length: ${malformed.because}.`
      : undefined,
    lost === undefined
      ? (capture.lostUnknown ??
        "How many events were lost in the kernel is unknown: neither it nor the program counts them.")
      : undefined,
    ...notes,
  ].filter(Boolean);
  return sentences.length > 0 ? sentences.join(" ") : undefined;
}

function missingNote({ lost = 0, dropped, droppedAs, rows, source, of }: Capture): string | undefined {
  if (lost + dropped === 0) return undefined;
  if (of === "entries")
    return `Incomplete: ${lost.toLocaleString("en")} ${lost === 1 ? "update" : "updates"} found no room in ${source}.`;
  const total = rows + lost + dropped;
  const share = ((100 * (lost + dropped)) / total).toPrecision(2);
  const parts = [
    lost > 0 ? `${lost.toLocaleString("en")} lost in the kernel (ring full)` : "",
    dropped > 0 ? `${dropped.toLocaleString("en")} ${droppedAs ?? "dropped at the memory bound"}` : "",
  ].filter(Boolean);
  return `Incomplete: of ${total.toLocaleString("en")} events ${parts.join(" and ")}, ${share} %.`;
}

/** By this MIME type an output says of which capture it is; a report gathers its loss account from these. */
export const CAPTURE_MIME = "application/vnd.bpflab.capture+json";

/** A capture's account as a part of an output's bundle, with the machine it was made on. */
export function captureBundle(capture: Capture | undefined): MimeBundle {
  if (!capture || capture.of === "entries") return {};
  return { [CAPTURE_MIME]: capture.parts ? { parts: capture.parts.map(accountOf) } : accountOf(capture) };
}

function accountOf({
  source,
  rows,
  lost,
  dropped,
  malformed,
  startedAt,
  endedAt,
  host,
  kernel,
}: Capture): Record<string, unknown> {
  const here = thisMachine();
  return {
    source,
    rows,
    lost: lost ?? null, // not known
    dropped,
    ...(malformed ? { malformed: malformed.records } : {}),
    startedAt,
    started: timeText(startedAt),
    ended: timeText(endedAt),
    host: host ?? here.host,
    kernel: kernel ?? here.kernel,
  };
}
