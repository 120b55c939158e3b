import * as flechette from "@uwdata/flechette";
import { decompress } from "fzstd";
import { decompressFrameSync } from "lz4-napi";

/** Registers with flechette the codecs that Arrow's files may use; flechette itself has none. */
export function registerArrowCodecs(): void {
  const { LZ4_FRAME, ZSTD } = flechette.CompressionType;
  if (flechette.getCompressionCodec(ZSTD) && flechette.getCompressionCodec(LZ4_FRAME)) return;
  const encode = (): never => {
    throw new Error("bpflab writes no compressed Arrow files");
  };
  flechette.setCompressionCodec(ZSTD, { encode, decode: (data) => aligned(decompress(data)) });
  flechette.setCompressionCodec(LZ4_FRAME, {
    encode,
    decode: (data) => aligned(decompressFrameSync(Buffer.from(data))),
  });
}

/** Columns of 8 bytes a value lie at multiples of 8. */
const aligned = (bytes: Uint8Array) => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());
