/** What a notebook calls `exercise`: checks of the exercises. */
export { check } from "../exercises/check.js";
export { CheckResult, type Step } from "../exercises/result.js";
export type { MinimalAnswers } from "../exercises/minimal.js";
export type { RingbufHandlers } from "../exercises/ringbuf.js";
