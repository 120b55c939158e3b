/** Code of a cell may replace the global one. */
const { queueMicrotask } = globalThis;

/** Runs code whose errors are to be found uncaught in its own async context, so that they are the cell's: its caller's is another. */
export function rethrown(code: () => void): void {
  try {
    code();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
