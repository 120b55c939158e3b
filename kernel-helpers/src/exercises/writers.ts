import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** One write(2) of the workload, with the time right before and right after it, CLOCK_MONOTONIC ns. */
export interface Write {
  fd: number;
  /** What the call returned: the bytes written, or the error below 0. */
  bytes: number;
  before: number;
  after: number;
}

/** Of a write that waits. */
export const SLOW_BYTES = 4096;

/** What one thread of the workload did. */
export interface Worker {
  tid: number;
  /** Descriptors of /dev/null, which takes no time, of a pipe, whose writes wait, and of one that can only be read. */
  null: number;
  pipe: number;
  readOnly: number;
  writes: Write[];
}

/** A process that waits for the word to write. */
export interface Writers {
  pid: number;
  run(): Promise<Worker[]>;
  /** Ends it; idempotent. */
  end(): Promise<void>;
}

export interface WritersOptions {
  threads?: number;
  /** Writes to /dev/null of each thread, and their bytes. */
  fast?: number;
  bytes?: number;
  /** Writes of each thread that wait; those of all threads at the same time. */
  slow?: number;
  /** How long the first one waits; each further one an eighth of that. */
  slowMs?: number;
  /** Writes of nothing, and as many that fail, of each thread. */
  idle?: number;
}

// The sources hold what tsc does not copy; from dist/exercises as from src/exercises this is the same path.
const SCRIPT = fileURLToPath(new URL("../../src/exercises/writers.py", import.meta.url));

/** Starts a workload whose process id is known before it writes. */
export async function startWriters(options: WritersOptions = {}): Promise<Writers> {
  const { threads = 1, fast = 0, bytes = 10, slow = 0, slowMs = 30, idle = 0 } = options;
  const child = execa("python3", [SCRIPT, ...[threads, fast, slow, slowMs, bytes, idle].map(String)], {
    reject: false,
    buffer: false,
    stdin: "pipe",
  });
  const said = child.iterable();
  const next = async (): Promise<unknown> => JSON.parse(String((await said.next()).value));
  return {
    pid: (await next()) as number,
    async run() {
      child.stdin.write("\n");
      return (await next()) as Worker[];
    },
    async end() {
      child.kill("SIGKILL");
      await child;
    },
  };
}
