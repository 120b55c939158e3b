import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bpf } from "../dist/api/index.js";
import type { Figures } from "./suite.js";

/** Where the peers' C is. */
export const peerSources = fileURLToPath(new URL("../../native/bench/", import.meta.url));

/** Ours as a process of its own; its arguments are those of reader.ts. */
export const READER = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  fileURLToPath(new URL("./reader.js", import.meta.url)),
];

/** Compiles one of the peers' C programs into a directory; returns the executable. */
export async function buildC(name: string, directory: string, libraries: string[] = []): Promise<string> {
  const executable = join(directory, name);
  await execa("cc", ["-O2", "-pthread", join(peerSources, `${name}.c`), "-o", executable, ...libraries]);
  return executable;
}

/** Compiles one of the peers' BPF programs into a directory; returns the object file. */
export async function buildBpf(name: string, directory: string): Promise<string> {
  const object = join(directory, `${name}.bpf.o`);
  const { elf } = await bpf.compile(await readFile(join(peerSources, `${name}.bpf.c`), "utf8"), {
    name,
    include: [peerSources],
  });
  await writeFile(object, elf);
  return object;
}

/** A peer that hangs fails, instead of holding up the rest. */
const MOST_SECONDS = 60;

/** A process that says when it is ready, works, and reports in a last line of numbers. */
export class Peer {
  private static readonly running = new Set<Peer>();
  private output = "";
  private readonly closed: Promise<unknown>;

  private constructor(
    readonly child: ChildProcess,
    seconds: number,
  ) {
    const limit = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    Peer.running.add(this);
    this.closed = once(child, "close").finally(() => {
      clearTimeout(limit);
      Peer.running.delete(this);
    });
    child.stdout!.setEncoding("utf8").on("data", (part: string) => (this.output += part));
  }

  /** Starts one, gives it an input, and waits until it has printed `ready`. @param tracefs true when it needs a mounted tracefs, which it gets for itself */
  static async start(
    command: readonly string[],
    {
      ready = /^ready.*\n/m,
      tracefs = false,
      input = "",
      seconds = MOST_SECONDS,
    }: { ready?: RegExp; tracefs?: boolean; input?: string; seconds?: number } = {},
  ): Promise<Peer> {
    const mounted = 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec "$0" "$@"';
    const [file, ...args] = tracefs ? ["unshare", "--mount", "sh", "-c", mounted, ...command] : command;
    const peer = new Peer(spawn(file!, args, { stdio: ["pipe", "pipe", "ignore"] }), seconds);
    peer.child.stdin!.write(input);
    await peer.printed(ready);
    return peer;
  }

  /** Waits until it has printed this; what it matched. */
  async printed(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this.output);
      if (found) return found;
      const over = await Promise.race([
        once(this.child.stdout!, "data").then(() => false),
        this.closed.then(() => true),
      ]);
      if (over && !wanted.test(this.output))
        throw new Error(
          `${basename(this.child.spawnargs.find((word) => word.includes("/")) ?? this.child.spawnfile)} ended before it printed ${wanted.source}`,
        );
    }
  }

  /** All that it has printed so far. */
  get said(): string {
    return this.output;
  }

  /** Ends those that still run: after a failure they would run into what is measured next. */
  static async endAll(): Promise<void> {
    for (const peer of Peer.running) peer.child.kill("SIGKILL");
    await Promise.all([...Peer.running].map((peer) => peer.closed));
  }

  /** Ends its input, or sends a signal, and waits for its end; the numbers in its last line. */
  async end(signal?: NodeJS.Signals): Promise<number[]> {
    if (signal) this.child.kill(signal);
    else this.child.stdin!.end();
    await this.closed;
    return (this.output.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  }
}

/** What a reader of events reports in its last line, as figures. */
export function readerFigures(report: number[]): Figures {
  const [events, lost, cpu_ns, memory, columns] = report as [number, number, number, number, number?];
  return {
    events,
    lost,
    reader_ns_per_event: cpu_ns / events,
    memory_MB: memory / 1e6,
    ...(columns && { columns_MB: columns / 1e6 }),
  };
}

/** Makes records in each ring of a reader that has said the ids of its programs; resolves with the seconds until the reader's last line. */
export async function makeRecords(producer: string, reader: Peer, recordsPerRing: number): Promise<number> {
  const [, programs] = await reader.printed(/^ready (.+)\n/);
  const makers = await Promise.all(
    programs!.split(" ").map((id) => Peer.start([producer, id, String(recordsPerRing)], { ready: /^/ })),
  );
  const begun = performance.now();
  for (const maker of makers) maker.child.stdin!.write("go\n");
  await reader.printed(/\n\d.*\n/);
  const seconds = (performance.now() - begun) / 1000;
  await Promise.all(makers.map((maker) => maker.end()));
  return seconds;
}
