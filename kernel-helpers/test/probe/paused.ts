import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A command whose process is there, and which begins when it is told: so that a probe can ask for its pid. */
export class Paused {
  readonly #child: ChildProcess;

  constructor(...command: string[]) {
    this.#child = spawn("sh", ["-c", 'read -r go; exec "$0" "$@"', ...command], {
      stdio: ["pipe", "ignore", "ignore"],
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Runs it to its end. */
  async run(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin!.end("go\n");
    await ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

/** Writes that a test can count: so many of so many bytes. */
export function writes(count: number, bytes: number): Paused {
  return new Paused("dd", "if=/dev/zero", "of=/dev/null", `bs=${bytes}`, `count=${count}`, "status=none");
}
