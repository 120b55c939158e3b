import { setTimeout as delay } from "node:timers/promises";

/** What a process has used of the CPUs, ms, all of its threads together. */
const usedByProcess = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Keeps this process to a share of a CPU: whoever has work asks for a rest after each piece of it. What comes meanwhile
 * waits, as far as there is room, and the rest is dropped and counted.
 */
export class Pace {
  readonly #share: number;
  readonly #used: () => number;
  readonly #now: () => number;
  #since: { used: number; at: number };

  /** @param share of one CPU: 0.5 is a half, 2 are two CPUs */
  constructor(share: number, used: () => number = usedByProcess, now: () => number = () => performance.now()) {
    this.#share = share;
    this.#used = used;
    this.#now = now;
    this.#since = { used: used(), at: now() };
  }

  /** How long to do nothing, ms, so that the share holds; what was used long ago does not count. */
  due(): number {
    const [used, now] = [this.#used(), this.#now()];
    const rest = (used - this.#since.used) / this.#share - (now - this.#since.at);
    if (now - this.#since.at > 2000) this.#since = { used: used - Math.max(rest, 0) * this.#share, at: now };
    return Math.max(rest, 0);
  }

  async rest(): Promise<void> {
    const ms = this.due();
    if (ms > 1) await delay(Math.min(ms, 1000));
  }
}
