import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { firstValueFrom, map, Observable, of, share, Subject, timeout } from "rxjs";
import { tracefs } from "../bpf/link/tracefs.js";
import { atExit } from "../base/at-exit.js";
import { criticalSection } from "../base/critical-section.js";
import { MissingFeatureError, NotRootError } from "../base/errors.js";
import { inContextOfSubscriber } from "./context.js";
import { enablePrintk, traceInstance } from "./trace-instance.js";

/** One line of the kernel's trace pipe, as bpf_printk writes it. */
export interface TraceLine {
  /** Name of the thread that ran the program; any bytes a process chose. */
  comm: string;
  /** The thread's id. */
  pid: number;
  /** The CPU on which the program ran. */
  cpu: number;
  /** Trace clock, ns since boot with a resolution of 1 µs. */
  timestamp_ns: number;
  /** What the program printed, without the line break at its end. */
  message: string;
  /** Lines of this CPU that the kernel overwrote before this one could be read. */
  lost: number;
}

/** How often the pipe is looked at. Its buffer holds over a megabyte a CPU. */
const POLL_MS = 20;

// "  comm-pid   [cpu] flags seconds.micros: bpf_trace_printk: message"; a comm may hold spaces and dashes,
// and with the option record-tgid a "(tgid)" stands behind the pid. See Documentation/trace/ftrace.rst.
const shape = /^\s*(.{0,16}?)-(\d+)\s+(?:\(\s*[-\d]+\)\s+)?\[(\d+)\]\s+\S+\s+(\d+)\.(\d+): bpf_trace_printk: (.*)$/s;
const overwritten = /^CPU:(\d+) \[LOST (\d+) EVENTS\]$/;

/** Reads one line; undefined for what bpf_printk did not write. */
export function parseTraceLine(line: string): TraceLine | undefined {
  const match = shape.exec(line);
  if (!match) return undefined;
  const [, comm, pid, cpu, seconds, micros, message] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    comm,
    pid: Number(pid),
    cpu: Number(cpu),
    timestamp_ns: Number(seconds) * 1e9 + Number(micros) * 1e3,
    message,
    lost: 0,
  };
}

/** Turns chunks of text into lines; keeps the unfinished one, and the losses until their CPU's next line. */
export class TraceParser {
  #rest = "";
  readonly #lost = new Map<number, number>();

  push(text: string): TraceLine[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    return lines.flatMap((row) => {
      const gap = overwritten.exec(row);
      if (gap) this.#lost.set(Number(gap[1]), (this.#lost.get(Number(gap[1])) ?? 0) + Number(gap[2]));
      const line = parseTraceLine(row);
      if (!line) return [];
      line.lost = this.#lost.get(line.cpu) ?? 0;
      this.#lost.delete(line.cpu);
      return [line];
    });
  }
}

interface Pipe {
  fd: number;
  buffer: Buffer;
  close(): void;
}

function open(): Pipe {
  if (process.geteuid?.() !== 0) throw new NotRootError("Reading the trace pipe");
  const instance = traceInstance();
  const dir = instance ?? tracefs();
  if (readFileSync(join(dir, "tracing_on"), "utf8").trim() === "0") {
    throw new MissingFeatureError(
      "tracing",
      "Tracing is switched off in this kernel, so the trace pipe stays silent.",
      { hint: `Switch it on: echo 1 > ${dir.startsWith("/sys") ? dir : "/sys/kernel/tracing"}/tracing_on` },
    );
  }
  return criticalSection(() => {
    const fd = openSync(join(dir, "trace_pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
    if (instance !== undefined) enablePrintk(instance, true);
    const close = () => {
      closeSync(fd);
      if (instance !== undefined) enablePrintk(instance, false);
    };
    const stay = atExit(close); // an instance that is being read cannot be removed
    return {
      fd,
      buffer: Buffer.allocUnsafe(1 << 16),
      close: () =>
        criticalSection(() => {
          stay();
          close();
        }),
    };
  });
}

/** What can be read without waiting; undefined when there is nothing. */
function readSome(fd: number, buffer: Buffer): string | undefined {
  try {
    const length = readSync(fd, buffer);
    return length > 0 ? buffer.toString("utf8", 0, length) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Says each time that all there was has been read. */
const dry = new Subject<void>();

const lines = new Observable<TraceLine>((subscriber) => {
  const { fd, buffer, close } = open();
  const parser = new TraceParser();
  while (readSome(fd, buffer) !== undefined); // what was printed before is not this subscriber's
  const timer = setInterval(() => {
    try {
      // A few reads a turn, so that a flood of lines does not hold the event loop.
      // The last subscriber may leave at any line, and takes the descriptor along.
      for (let i = 0; i < 8 && !subscriber.closed; i++) {
        const text = readSome(fd, buffer);
        if (text === undefined) {
          dry.next();
          return;
        }
        for (const line of parser.push(text)) subscriber.next(line);
      }
    } catch (error) {
      subscriber.error(error);
    }
  }, POLL_MS);
  return () => {
    clearInterval(timer);
    close();
  };
}).pipe(share(), inContextOfSubscriber);

/**
 * What programs print with bpf_printk, from the moment of subscribing. tracefs need not be mounted.
 *
 * This process has trace buffers of its own (an instance of tracefs), so that other readers, such as a
 * `cat trace_pipe` or another notebook, take nothing away. All subscribers of this process share one reader, and each
 * gets every line. Kernels before 5.9 have one pipe for all, and a line goes to one reader.
 *
 * @throws (to the subscriber) NotRootError, MissingFeatureError
 * @example
 * const minimal = await bpf.load("minimal", { globals: { watched_pid: process.pid } });
 * await minimal.attach();
 * const lines = await firstValueFrom(bpf.tracePipe().pipe(take(10), toArray()));
 * minimal.close();
 */
export function tracePipe(): Observable<TraceLine> {
  return lines;
}

/**
 * Waits until the subscribers of `tracePipe` have all that has been printed up to now: the reader may be behind when
 * much is printed, by other programs of the machine, too.
 *
 * @returns whether it came to that within `atMostMs`
 */
export function tracePipeRead(atMostMs: number): Promise<boolean> {
  return firstValueFrom(
    dry.pipe(
      map(() => true),
      timeout({ first: atMostMs, with: () => of(false) }),
    ),
  );
}
