/** What cells write to stdout and stderr goes to the notebook, each line to the cell that wrote it. */
import { StringDecoder } from "node:string_decoder";
import { currentCell } from "../interrupt/cell.js";

/** Receives the text of one write. */
export type StreamSink = (name: "stdout" | "stderr", parent: string, text: string) => void;

type Done = (error?: Error | null) => void;

/** Text as it is, unless the caller says that it stands for bytes in hex or base64. */
function decoded(text: string, encoding: BufferEncoding | Done | undefined): string {
  return typeof encoding !== "string" || /^utf-?8$/i.test(encoding) ? text : Buffer.from(text, encoding).toString();
}

/** Replaces `write` of both streams; before the first cell they stay what they were. */
export function captureStdio(sink: StreamSink): void {
  for (const name of ["stdout", "stderr"] as const) {
    const stream = process[name];
    const original = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    const decoder = new StringDecoder("utf8");
    stream.write = (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      const cell = currentCell();
      if (!cell) return original(chunk, encoding, done);
      // Bytes may end inside a character, whose rest the next write brings.
      const text = typeof chunk === "string" ? decoded(chunk, encoding) : decoder.write(Buffer.from(chunk));
      if (text && !cell.silent) sink(name, cell.parent, text);
      const callback = typeof encoding === "function" ? encoding : done;
      if (callback) process.nextTick(callback);
      return true;
    };
  }
}
