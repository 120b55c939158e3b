// What a notebook calls `latency`: of events, and of histograms that the kernel counted.
export * from "./latency.js";
export { outliers, type OutlierOptions } from "./outliers.js";
export { percentiles, type PercentilesOptions } from "./percentiles.js";
export { buckets, estimates, type BucketsOptions, type EstimatesOptions } from "./log2.js";
