/**
 * Drag pans and Shift with the wheel zooms; a double click goes back. The wheel alone
 * must go on scrolling the notebook.
 */
export function zoom(...encodings: ("x" | "y")[]): Record<string, unknown> {
  return { name: "zoom", select: { type: "interval", encodings, zoom: "wheel![event.shiftKey]" }, bind: "scales" };
}
