/**
 * Charts of event tables: `(table, options) → Chart`. A chart is aggregated here, in typed code,
 * so that a notebook carries a few thousand numbers at most, however many events there were.
 */
export { bar, type BarOptions } from "./bar.js";
export { bucketHeatmap, type BucketHeatmapOptions } from "./bucket-heatmap.js";
export { buckets, type BucketsChartOptions } from "./buckets.js";
export { Chart, type VegaLiteSpec } from "./chart.js";
export { ecdf, type EcdfChartOptions } from "./ecdf.js";
export type { FrameOptions } from "./frame.js";
export { heatmap, type HeatmapOptions } from "./heatmap.js";
export { histogram, type HistogramChartOptions } from "./histogram.js";
export { lines, type LinesOptions } from "./lines.js";
export { live, type LiveOptions, type LiveView } from "./live.js";
export { timeline, type TimelineOptions } from "./timeline.js";
export type { SeriesOptions } from "./series.js";
