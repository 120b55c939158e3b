import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const source = new URL("../../test/workload/writers.c", import.meta.url).pathname;

/** What a thread of the workload says it did. */
export interface ThreadReport {
  tid: number;
  fd: number;
  writes: number;
  shortest_ns: number;
}

/** Compiles the workload into a directory of its own; `remove` ends what was started and deletes it. */
export async function buildWriters(): Promise<{
  start: (options: WriterOptions) => Writers;
  remove: () => Promise<void>;
}> {
  const dir = await mkdtemp(join(tmpdir(), "bpflab-writers-"));
  const binary = join(dir, "writers");
  await execa("cc", ["-O2", "-pthread", source, "-o", binary]);
  const started: Writers[] = [];
  return {
    start(options) {
      started.push(new Writers(binary, options));
      return started.at(-1)!;
    },
    async remove() {
      for (const writers of started) writers.kill(); // a test that failed may have left one waiting for its go
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface WriterOptions {
  threads?: number;
  writes: number;
  bytes?: number;
  /** Thread 0 writes to a pipe whose reader takes at least so long a read, µs. */
  slow_us?: number;
  /** All threads write to the descriptor of thread 0. */
  shared?: boolean;
  /** Each thread rests for so many µs after every so many writes. */
  burst?: { writes: number; pause_us: number };
}

/** A started workload: it waits for `run` before it writes. */
export class Writers {
  private readonly child: ChildProcess;

  constructor(binary: string, { threads = 1, writes, bytes = 1, slow_us = 0, shared = false, burst }: WriterOptions) {
    this.child = spawn(
      binary,
      [threads, writes, bytes, slow_us, Number(shared), burst?.writes ?? 0, burst?.pause_us ?? 0].map(String),
      { stdio: ["pipe", "ignore", "pipe"] },
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Lets it write; resolves with what each thread says when the process has ended. */
  async run(): Promise<ThreadReport[]> {
    let text = "";
    this.child.stderr!.setEncoding("utf8").on("data", (part: string) => (text += part));
    this.child.stdin!.end("go\n");
    const [code] = (await once(this.child, "close")) as [number | null];
    if (code !== 0) throw new Error(`the workload ended with ${code}`);
    return text
      .trim()
      .split("\n")
      .map((line) => line.split(" ").map(Number) as [number, number, number, number])
      .map(([tid, fd, writes, shortest_ns]) => ({ tid, fd, writes, shortest_ns }));
  }

  /** Ends it in the middle of its writes; `run` rejects. */
  kill(): void {
    this.child.kill("SIGKILL");
  }
}
