import { BpflabError } from "../base/errors.js";
import type { Blob } from "./protocol.js";

/** Bytes of a part: as base64 they fit into a message that any server takes. */
const PART_BYTES = 512 * 1024;

/** Bytes that may wait to be fetched; beyond it the oldest are forgotten. */
const MOST_BYTES = 64 * 2 ** 20;

/** An agent's answers that are too long for one message, kept until their notebook has fetched all of them. */
export class Blobs {
  readonly #kept = new Map<number, Buffer>();
  #last = 0;

  /** The first part; what fits into it is not kept. */
  add(bytes: Uint8Array): Blob {
    const blob = ++this.#last;
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (whole.length > PART_BYTES) this.#kept.set(blob, whole);
    const size = () => [...this.#kept.values()].reduce((sum, one) => sum + one.length, 0);
    for (const [oldest] of this.#kept) if (size() > MOST_BYTES && oldest !== blob) this.#kept.delete(oldest);
    return { blob, bytes: whole.length, first: whole.toString("base64", 0, PART_BYTES) };
  }

  /** @throws BpflabError when it is not kept any more */
  part(blob: number, from: number): string {
    const whole = this.#kept.get(blob);
    if (!whole) throw new BpflabError("FLEET", "The table is not kept any more.", { hint: "Ask for it again." });
    if (from + PART_BYTES >= whole.length) this.#kept.delete(blob);
    return whole.toString("base64", from, from + PART_BYTES);
  }
}

/** All bytes of an answer, fetched part by part. */
export async function wholeOf({ blob, bytes, first }: Blob, part: (blob: number, from: number) => Promise<string>) {
  const parts = [Buffer.from(first, "base64")];
  for (let got = parts[0]!.length; got < bytes; got += parts.at(-1)!.length) {
    parts.push(Buffer.from(await part(blob, got), "base64"));
    if (parts.at(-1)!.length === 0) throw new BpflabError("FLEET", "A part of the table is missing.");
  }
  return Buffer.concat(parts);
}
