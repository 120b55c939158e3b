/**
 * Jupyter messages as zeromq frames, signed.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { Extras } from "../thread-messages.js";

/** The version of the messaging protocol that this kernel speaks. */
export const PROTOCOL_VERSION = "5.4";

const DELIMITER = "<IDS|MSG>";

/** A message as it came in. */
export interface Incoming {
  identities: Buffer[];
  /** The header as it came: replies carry it back byte for byte. */
  header: string;
  type: string;
  content: Record<string, unknown>;
  metadata: Record<string, unknown>;
  /** Binary data behind the signed parts. */
  buffers: Uint8Array[];
}

/** Signs and writes what goes out, checks and reads what comes in. */
export class Codec {
  readonly #algorithm: string;
  readonly #key: string;
  readonly #session = randomUUID();
  /** Of the messages that came, the newest ones: one that comes a second time is somebody's recording of it. */
  readonly #seen = new Set<string>();
  #sent = 0;

  /** @param scheme such as `hmac-sha256`; @param key empty for an unsigned connection */
  constructor(scheme: string, key: string) {
    this.#algorithm = scheme.replace(/^hmac-/, "") || "sha256";
    this.#key = key;
  }

  #sign(parts: readonly (string | Buffer)[]): string {
    if (!this.#key) return "";
    const hmac = createHmac(this.#algorithm, this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  /** The frames of a message; `content` and `parent` are JSON text. */
  encode(
    identities: readonly Buffer[],
    type: string,
    parent: string,
    content: string,
    { metadata, buffers = [] }: Extras = {},
  ): (string | Buffer)[] {
    const header = JSON.stringify({
      msg_id: `${this.#session}_${this.#sent++}`,
      session: this.#session,
      username: "kernel",
      date: new Date().toISOString(),
      msg_type: type,
      version: PROTOCOL_VERSION,
    });
    const parts = [header, parent, JSON.stringify(metadata ?? {}), content];
    return [
      ...identities,
      DELIMITER,
      this.#sign(parts),
      ...parts,
      ...buffers.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength)),
    ];
  }

  #isReplayed(signature: string): boolean {
    if (this.#seen.has(signature)) return true;
    this.#seen.add(signature);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value!);
    return false;
  }

  /** The message in the frames, or undefined when they are none, the signature is wrong, or it came before. */
  decode(frames: readonly Buffer[]): Incoming | undefined {
    const delimiter = frames.findIndex((frame) => frame.equals(DELIMITER_BYTES));
    const [signature, ...parts] = frames.slice(delimiter + 1);
    if (delimiter < 0 || !signature || parts.length < 4) return undefined;
    const expected = Buffer.from(this.#sign(parts.slice(0, 4)));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return undefined;
    if (this.#key && this.#isReplayed(signature.toString("latin1"))) return undefined;
    try {
      const header = parts[0]!.toString();
      const { msg_type: type } = JSON.parse(header) as { msg_type: unknown };
      const content: unknown = JSON.parse(parts[3]!.toString());
      const metadata: unknown = JSON.parse(parts[2]!.toString());
      if (typeof type !== "string" || typeof content !== "object" || content === null) return undefined;
      const buffers = parts.slice(4).map((frame) => new Uint8Array(frame)); // copies: a frame may be a piece of a large pool
      return {
        identities: frames.slice(0, delimiter),
        header,
        type,
        content: content as Record<string, unknown>,
        metadata: (metadata ?? {}) as Record<string, unknown>,
        buffers,
      };
    } catch {
      return undefined;
    }
  }
}

/** Signatures kept against replay, as many as Jupyter's own kernels keep. */
const REMEMBERED = 2 ** 16;

const DELIMITER_BYTES = Buffer.from(DELIMITER);
