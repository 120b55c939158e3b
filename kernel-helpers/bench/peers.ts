import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bpf } from "../dist/index.js";

/** Where the peers' C is. */
export const peerSources = fileURLToPath(new URL("../../native/bench/", import.meta.url));

/** Compiles one of the peers' C programs into a directory; returns the executable. */
export async function buildC(name: string, directory: string, libraries: string[] = []): Promise<string> {
  const executable = join(directory, name);
  await execa("cc", ["-O2", "-pthread", join(peerSources, `${name}.c`), "-o", executable, ...libraries]);
  return executable;
}

/** Compiles one of the peers' BPF programs into a directory; returns the object file. */
export async function buildBpf(name: string, directory: string): Promise<string> {
  const object = join(directory, `${name}.bpf.o`);
  const { elf } = await bpf.compile(await readFile(join(peerSources, `${name}.bpf.c`), "utf8"), { name, include: [peerSources] });
  await writeFile(object, elf);
  return object;
}

/** A process that says when it is ready, works until its input ends, and then reports in one line of numbers. */
export class Peer {
  private output = "";

  private constructor(readonly child: ChildProcess) {
    child.stdout!.setEncoding("utf8").on("data", (part: string) => (this.output += part));
  }

  /** Starts one and waits until it has printed `ready`. @param tracefs true when it needs a mounted tracefs, which it gets for itself */
  static async start(command: readonly string[], { ready = /^ready.*\n/m, tracefs = false }: { ready?: RegExp; tracefs?: boolean } = {}): Promise<Peer> {
    const mounted = 'mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec "$0" "$@"';
    const [file, ...args] = tracefs ? ["unshare", "--mount", "sh", "-c", mounted, ...command] : command;
    const peer = new Peer(spawn(file!, args, { stdio: ["pipe", "pipe", "ignore"] }));
    const ended = once(peer.child, "close").then(() => true);
    while (!ready.test(peer.output)) {
      const over = await Promise.race([once(peer.child.stdout!, "data").then(() => false), ended]);
      if (over && !ready.test(peer.output)) throw new Error(`${command[0]} ended before it was ready`);
    }
    return peer;
  }

  /** What it has printed so far. */
  get printed(): string {
    return this.output;
  }

  /** Ends its input, or sends a signal; the numbers in its last line. */
  async end(signal?: NodeJS.Signals): Promise<number[]> {
    const ended = once(this.child, "close");
    if (signal) this.child.kill(signal);
    else this.child.stdin!.end();
    await ended;
    return (this.output.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  }
}
