import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { net } from "../../dist/api/index.js";

const source = new URL("../../test/workload/inject.c", import.meta.url).pathname;

/** Compiles the packet maker into a directory of its own; `remove` deletes it. */
export async function buildInject() {
  const dir = await mkdtemp(join(tmpdir(), "bpflab-inject-"));
  const binary = join(dir, "inject");
  await execa("cc", ["-O2", "-Wall", source, "-o", binary]);
  const run = async (peer: net.Peer, args: string[], lines: string[]) => {
    const { stdout } = await peer.run(binary, args, { input: `${lines.join("\n")}\n` });
    const [, sent, replied] = /sent (\d+) replied (\d+)/.exec(String(stdout))!.map(Number) as [number, number, number];
    return { sent, replied };
  };
  return {
    binary,
    /** Sends frames from a peer; what was replied within 100 ms of silence. */
    frames: (peer: net.Peer, frames: Buffer[], { inPieces = false } = {}) =>
      run(
        peer,
        ["packet", "eth0", "100"],
        frames.map((frame) => (inPieces ? "!" : "") + frame.toString("hex")),
      ),
    /** Sends a frame from many sources: the 32 bits at `offset` are the source's number. */
    spoof: (
      peer: net.Peer,
      frame: Buffer,
      { sources, perSource = 1, offset, base }: { sources: number; perSource?: number; offset: number; base: number },
    ) => run(peer, ["spoof", "eth0", ...[sources, perSource, offset, base].map(String)], [frame.toString("hex")]),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
