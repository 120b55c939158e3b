/** What cells write to stdout and stderr goes to the notebook, each line to the cell that wrote it. */
import { StringDecoder } from "node:string_decoder";
import { currentCell } from "./cell.js";

/** Receives the text of one write. */
export type StreamSink = (name: "stdout" | "stderr", parent: string, text: string) => void;

type Done = (error?: Error | null) => void;

/** Replaces `write` of both streams; before the first cell they stay what they were. */
export function captureStdio(sink: StreamSink): void {
  for (const name of ["stdout", "stderr"] as const) {
    const stream = process[name];
    const original = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    const decoder = new StringDecoder("utf8");
    stream.write = (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      const cell = currentCell();
      if (!cell) return original(chunk, encoding, done);
      const bytes = typeof chunk === "string" ? undefined : chunk;
      const encoded = typeof encoding === "string" && !/^utf-?8$/i.test(encoding);
      const text = bytes ? decoder.write(Buffer.from(bytes)) : encoded ? Buffer.from(chunk as string, encoding).toString() : (chunk as string);
      if (text && !cell.silent) sink(name, cell.parent, text);
      const callback = typeof encoding === "function" ? encoding : done;
      if (callback) process.nextTick(callback);
      return true;
    };
  }
}
