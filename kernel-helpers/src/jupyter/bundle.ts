/** MIME bundles as JSON text. */
import type { MimeBundle } from "../base/display.js";

/** JSON for anything a bundle may hold: 64-bit integers become numbers where exact, text otherwise; cycles are named. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value, plain);
  } catch (error) {
    return JSON.stringify({
      data: { "text/plain": `This output cannot be written as JSON: ${(error as Error).message}` },
      metadata: {},
    });
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Binary representations, such as PNG, travel as base64. */
export function encodeBundle(bundle: MimeBundle): MimeBundle {
  const encoded: MimeBundle = {};
  for (const [type, value] of Object.entries(bundle)) {
    encoded[type] =
      value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")
        : value;
  }
  return encoded;
}
