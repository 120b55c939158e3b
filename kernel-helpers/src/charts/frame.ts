import type { ColumnTable } from "arquero";
import { thisMachine } from "../base/machine.js";
import { captureBundle, captureOf, isDerived, lossNote, lossText } from "../streams/capture.js";
import { counted } from "../tables/units.js";
import { visible } from "../base/text.js";
import { Chart } from "./chart.js";
import { alarmColor, config, defaultSize, textColor } from "./theme.js";

/** Options that every chart takes. */
export interface FrameOptions {
  /** Replaces the title, which says what was measured. */
  title?: string;
  /** Width of the plot in CSS pixels, without axes and legend. */
  width?: number;
  /** Height of the plot in CSS pixels. */
  height?: number;
}

/** What a chart puts into its frame. */
export interface Content {
  /** What was measured, as a title. */
  title: string;
  /** What the subtitle says beside time, kernel and count. */
  notes: readonly (string | undefined)[];
  /** Rows for vega-lite, already aggregated. Their names are ours, so that no field's name needs escaping. */
  values: readonly Record<string, unknown>[];
  /** vega-lite layers: mark, encoding, params, transform. */
  layers: readonly Record<string, unknown>[];
  /** What the subtitle counts; default the table's rows as events. */
  counts?: string;
  /** What a reader sees in the chart, in a sentence, for those who cannot see it. */
  says?: string | undefined;
  /** Pixels above the plot that the layers need for themselves. */
  roomAbove?: number;
}

/**
 * Puts content under a title that says what was measured, when, on which kernel, from how many
 * events and how many were lost; a loss once more in words, in a colour of its own. Without rows it says "no events".
 */
export function frame(table: ColumnTable, options: FrameOptions, content: Content): Chart {
  const capture = captureOf(table);
  const title = visible(options.title ?? content.title);
  const when = capture ? minute(capture.startedAt) : `drawn ${minute(Date.now())}`;
  const kernel = capture ? (capture.kernel ?? thisMachine().kernel) : "origin unknown";
  const counts = `${content.counts ?? eventCount(table)}${capture ? `, ${lossText(capture)}` : ""}`;
  const subtitle = visible([when, kernel, counts, ...content.notes].filter(Boolean).join(" · "));
  const loss = lossNote(capture);
  const { width, height } = { ...defaultSize, ...defined({ width: options.width, height: options.height }) };
  const empty = content.values.length === 0;

  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    description: describe([title, subtitle, empty ? "No events." : content.says, loss]),
    title: { text: title, subtitle },
    width,
    height: empty ? 100 : height,
    data: { values: content.values },
    layer: [
      ...(empty ? [emptyLayer(width)] : content.layers),
      ...(loss ? [lossLayer(loss, content.roomAbove ?? 0)] : []),
    ],
    config,
  };
  return new Chart(
    spec,
    [title, subtitle, empty ? "no events" : "", loss].filter(Boolean).join(" | "),
    captureBundle(capture),
  );
}

/** Sentences for who cannot see the chart: a screen reader reads them in its place. */
function describe(parts: readonly (string | undefined)[]): string {
  return visible(
    parts
      .filter((part) => part !== undefined)
      .map((part) => (part.endsWith(".") ? part : `${part}.`))
      .join(" "),
  );
}

function eventCount(table: ColumnTable): string {
  const rows = table.numRows();
  const capture = captureOf(table);
  if (capture?.of === "entries") return `${counted(rows, "row")} of ${capture.source}`;
  const all = capture?.rows ?? rows;
  if (capture && (isDerived(table) || rows > all)) return `${counted(rows, "row")} from ${counted(all, "event")}`;
  return all > rows ? `${rows.toLocaleString("en")} of ${counted(all, "event")}` : counted(rows, "event");
}

/** Time to the minute, in UTC: charts from different machines must compare. */
function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}

function lossLayer(note: string, roomAbove: number): Record<string, unknown> {
  return {
    data: { values: [{ note }] },
    // never clipped: a zoomable layer beside it would have it cut at the plot's edge, where it does not lie
    mark: {
      type: "text",
      clip: false,
      x: 0,
      y: -10 - roomAbove,
      align: "left",
      baseline: "bottom",
      color: alarmColor,
      fontSize: 12,
      fontWeight: 700,
    },
    encoding: { text: { field: "note" } },
  };
}

function emptyLayer(width: number): Record<string, unknown> {
  return {
    data: { values: [{ note: "no events" }] },
    mark: { type: "text", x: width / 2, y: 50, align: "center", baseline: "middle", color: textColor, fontSize: 16 },
    encoding: { text: { field: "note" } },
  };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
