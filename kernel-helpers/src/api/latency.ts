// What a notebook calls `latency`: of events, and of histograms that the kernel counted.
export * from "../tables/latency.js";
export { outliers, type OutlierOptions } from "../tables/outliers.js";
export { percentiles, type PercentilesOptions } from "../tables/percentiles.js";
export { buckets, estimates, type BucketsOptions, type EstimatesOptions } from "../tables/log2.js";
