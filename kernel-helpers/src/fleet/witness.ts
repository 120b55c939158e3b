import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ConnectionOptions } from "./connect.js";

/** A ring, by the kernel's ids of its map and of the one in which its losses are counted. */
export interface WatchedRing {
  name: string;
  map: number;
  loss: { map: number; offsets: readonly number[] } | undefined;
}

/** How a ring stood when a feed of it began. */
export interface Baseline {
  kept: number;
  lost: number | undefined;
  dropped: number;
  malformed: number;
}

/** What an agent tells its witness, a line each. */
export type Word =
  | { do: "watch"; program: string; rings: readonly WatchedRing[] }
  | { do: "begin"; program: string; ring: string; subject: string; baseline: Baseline }
  | { do: "end"; program: string; ring: string }
  | { do: "forget"; program: string }
  | { do: "bye" };

const MAIN = fileURLToPath(new URL("witness-main.js", import.meta.url));

/**
 * A process that knows which rings an agent reads. It does nothing until the agent is killed: then it tells the
 * notebooks what became of the records (`last-word.ts`), and ends.
 */
export class Witness {
  readonly #start: () => ChildProcess;
  #child: ChildProcess | undefined;

  /** It is started with the first word. */
  constructor(url: string, name: string, { creds, ca }: ConnectionOptions) {
    this.#start = () => {
      // A group of its own: what ends the agent by a signal to its group does not end the witness.
      const child = spawn(process.execPath, [MAIN, JSON.stringify({ url, name, creds, ca })], {
        stdio: ["pipe", "ignore", "ignore"],
        detached: true,
      });
      child.on("error", () => {}); // then nobody bears witness
      child.stdin!.on("error", () => {});
      child.unref();
      return child;
    };
  }

  tell(word: Word): void {
    this.#child ??= this.#start();
    this.#child.stdin!.write(`${JSON.stringify(word)}\n`);
  }

  /** The agent ends in order. Idempotent. */
  dismiss(): void {
    this.#child?.stdin!.end(`${JSON.stringify({ do: "bye" } satisfies Word)}\n`);
    this.#child = undefined;
  }
}
