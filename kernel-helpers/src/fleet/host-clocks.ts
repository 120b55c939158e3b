import { clockFrom, type ClockReading, type HostClock, readClock } from "./host-clock.js";

/** How often a host is asked: the answer that took the shortest time is the best. */
const ASKS = 5;

/** The clocks of a fleet's hosts, as they were measured last. */
export class HostClocks {
  readonly #clocks = new Map<string, HostClock>();
  readonly #ask: (host: string) => Promise<ClockReading>;

  /** @param ask asks a host for the time */
  constructor(ask: (host: string) => Promise<ClockReading>) {
    this.#ask = ask;
  }

  of(host: string): HostClock | undefined {
    return this.#clocks.get(host);
  }

  /** Measures them again; those that do not answer stay as they were. */
  async measure(hosts: readonly string[]): Promise<void> {
    await Promise.all(hosts.map((host) => this.#measure(host).catch(() => {})));
  }

  async #measure(host: string): Promise<void> {
    let best: HostClock | undefined;
    let shortest = Infinity;
    for (let i = 0; i < ASKS; i++) {
      const asked = readClock();
      const there = await this.#ask(host);
      const answered = readClock();
      const trip = answered.monotonic_ns - asked.monotonic_ns;
      if (trip >= shortest) continue;
      shortest = trip;
      best = clockFrom(asked, there, answered);
    }
    this.#clocks.set(host, best!);
  }
}
