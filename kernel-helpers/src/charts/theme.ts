/** Looks that all charts share: readable on white and on JupyterLab's dark grey, by colour-blind eyes too. */

// Okabe and Ito's palette, with its yellow and its black replaced: one vanishes on white, the other on dark pages.
const palette = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#a39a00", "#9673d9"];

/** Okabe and Ito's vermilion: what a reader must not miss. */
export const alarmColor = "#d55e00";
/** Everything that is not one of the named groups. */
export const otherColor = "#999999";
/** A chart's one colour when nothing is told apart. */
export const singleColor = palette[0]!;

/** Colours for so many groups; more groups than colours share them. */
export function colorsFor(count: number): string[] {
  return Array.from({ length: count }, (_, i) => palette[i % palette.length]!);
}

/** Viridis without its ends, which come too close to a black page and to a white one. */
export const densityScheme = { name: "viridis", extent: [0.12, 0.97] };

const text = "#7a7a7a"; // contrast 4.3 on white and 4.4 on #111
const lines = "#80808066";

/** The `config` part of every specification. */
export const config = {
  background: null,
  font: "system-ui, 'DejaVu Sans', sans-serif",
  view: { stroke: null },
  mark: { aria: false }, // a label a bar makes a picture five times as large; the title says what it shows
  title: { anchor: "start", color: text, fontSize: 15, fontWeight: 600, subtitleColor: text, subtitleFontSize: 12, subtitlePadding: 4, offset: 12 },
  axis: {
    labelColor: text,
    titleColor: text,
    titleFontWeight: 500,
    labelFontSize: 11,
    titleFontSize: 12,
    titlePadding: 8,
    domainColor: text,
    tickColor: lines,
    gridColor: "#80808033",
    labelOverlap: "greedy",
    labelSeparation: 6,
  },
  legend: { labelColor: text, titleColor: text, titleFontWeight: 500, labelFontSize: 11, titleFontSize: 12, labelLimit: 200, symbolStrokeWidth: 2 },
};

/** Default size of the plot itself, in CSS pixels. */
export const defaultSize = { width: 600, height: 280 };
