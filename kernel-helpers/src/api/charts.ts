/**
 * Charts of event tables: `(table, options) → Chart`. A chart is aggregated here, in typed code,
 * so that a notebook carries a few thousand numbers at most, however many events there were.
 */
export { bar, type BarOptions } from "../charts/bar.js";
export { bucketHeatmap, type BucketHeatmapOptions } from "../charts/bucket-heatmap.js";
export { buckets, type BucketsChartOptions } from "../charts/buckets.js";
export { Chart, type VegaLiteSpec } from "../charts/chart.js";
export { ecdf, type EcdfChartOptions } from "../charts/ecdf.js";
export { flamegraph, type FlamegraphOptions } from "../charts/flamegraph.js";
export type { FrameOptions } from "../charts/frame.js";
export { heatmap, type HeatmapOptions } from "../charts/heatmap.js";
export { histogram, type HistogramChartOptions } from "../charts/histogram.js";
export { lines, type LinesOptions } from "../charts/lines.js";
export { live, type LiveOptions, type LiveView } from "../views/live.js";
export { percentiles, type PercentilesChartOptions } from "../charts/percentiles.js";
export { timeline, type TimelineOptions } from "../charts/timeline.js";
export type { ClockOptions } from "../charts/time.js";
export type { SeriesOptions } from "../charts/series.js";
