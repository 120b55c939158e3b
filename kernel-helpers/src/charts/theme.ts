/** Looks that all charts share, on white and on the dark grey that JupyterLab's dark theme draws charts on; for colour-blind eyes too. */

/** Everything that is not one of the named groups. */
export const OTHER_COLOR = "#999999";

/** One colour for a light ground and one for a dark. A chart learns its ground only where it is drawn: it is the page's theme that says. */
export function colorOn({ light, dark }: { light: string; dark: string }): { expr: string } {
  return { expr: `luminance(background) < 0.2 ? '${dark}' : '${light}'` };
}

/** What a reader must not miss. */
export const alarmColor = colorOn({ light: "#b34a00", dark: "#ff9d57" });
/** Text within the plot. Titles, axes and legends have the theme's own colour. */
export const textColor = colorOn({ light: "#333", dark: "#ddd" });

/** Viridis without its ends, which come too close to dark grey and to white. */
export const densityScheme = { name: "viridis", extent: [0.25, 0.97] };

/**
 * The `config` part of every specification. It sets neither the ground nor the colour of text: the page's theme does, and
 * with both from one hand a chart stays readable also where the theme is changed after it has been drawn.
 */
export const config = {
  font: "system-ui, 'DejaVu Sans', sans-serif",
  view: { stroke: null },
  mark: { aria: false }, // a label a bar makes a picture five times as large; the title says what it shows
  title: { anchor: "start", fontSize: 15, fontWeight: 600, subtitleFontSize: 12, subtitlePadding: 4, offset: 12 },
  axis: {
    titleFontWeight: 500,
    labelFontSize: 11,
    titleFontSize: 12,
    titlePadding: 8,
    labelOpacity: 0.85,
    titleOpacity: 0.85,
    domainColor: "#808080",
    tickColor: "#80808066",
    gridColor: "#80808033",
    labelLimit: 320, // two long labels cut short would be the same
    labelOverlap: "greedy",
    labelSeparation: 6,
  },
  legend: {
    titleFontWeight: 500,
    labelFontSize: 11,
    titleFontSize: 12,
    labelOpacity: 0.85,
    titleOpacity: 0.85,
    labelLimit: 200,
    symbolStrokeWidth: 2,
  },
};

/** Default size of the plot itself, in CSS pixels. */
export const defaultSize = { width: 600, height: 280 };
