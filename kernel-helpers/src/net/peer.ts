import { requireInteger, requireNumber } from "../base/arguments.js";
import { inspect } from "node:util";
import { execa, type Options, type ResultPromise } from "execa";
import { ArgumentError, MissingFeatureError } from "../base/errors.js";
import { interruptSignal } from "../base/display.js";
import { formatAddress, parseAddress } from "../bpf/address.js";
import { type FloodOptions, floodCommand, type FloodResult } from "./flood.js";
import { parsePing, type PingResult } from "./ping.js";

/** How to ping. */
export interface PingOptions {
  /** The address to ping, such as another host's; default this machine's. */
  to?: string;
  /** Echo requests; default 10. */
  count?: number;
  /** Between two of them; default 100 ms, at least 1. ping drops fractions of a millisecond. */
  intervalMs?: number;
  /** As fast as replies come, else a hundred a second, instead of an interval. */
  flood?: boolean;
  /** So many requests at once, before the first reply is waited for and the interval holds; default 1, at most 65,536. */
  preload?: number;
  /** 4 (default) or 6. */
  family?: 4 | 6;
  /** Bytes of payload; default 56. */
  size?: number;
  /** Stop after so many whole seconds; until then ping goes on sending until `count` replies have come. */
  seconds?: number;
  /** How long to wait for the last reply; default 1000 ms. */
  timeoutMs?: number;
  /** The CPU to run on, and with it the one that receives the requests; default is the scheduler's choice. */
  cpu?: number;
}

/** A host's addresses. */
export interface Addresses {
  ipv4: string;
  /** Undefined when this machine has no IPv6. */
  ipv6: string | undefined;
}

/**
 * A test host of a playground.
 *
 * @example
 * const { sent, received } = await lab.peers[0].ping({ count: 20, intervalMs: 5 });
 */
export class Peer {
  /** What messages call it, such as `peer 1`. */
  readonly name: string;
  /** The network namespace, as `ip netns` lists it. */
  readonly namespace: string;
  /** Its IPv4 address. */
  readonly ipv4: string;
  /** Its IPv6 address; undefined when this machine has no IPv6. */
  readonly ipv6: string | undefined;
  readonly #host: Addresses;
  readonly #check: () => void;
  readonly #running = new Set<ResultPromise>();

  private constructor(name: string, namespace: string, { ipv4, ipv6 }: Addresses, host: Addresses, check: () => void) {
    this.name = name;
    this.namespace = namespace;
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    this.#host = host;
    this.#check = check;
  }

  /** @internal made by `playground` */
  static make(name: string, namespace: string, own: Addresses, host: Addresses, check: () => void): Peer {
    return new Peer(name, namespace, own, host, check);
  }

  /**
   * Starts a command on this host. It ends with the playground and with this process, whatever ends them.
   *
   * @returns execa's handle: a process, and a promise of its output
   * @throws ClosedError
   * @example
   * await peer.run("ip", ["route"])
   */
  run(file: string, args: readonly string[] = [], options: Options = {}): ResultPromise {
    this.#check();
    const inside = ["--pdeathsig", "KILL", "ip", "netns", "exec", this.namespace, file, ...args];
    const child = execa("setpriv", inside, { env: { LC_ALL: "C" }, ...options });
    this.#running.add(child);
    const forget = () => this.#running.delete(child);
    child.then(forget, forget);
    return child;
  }

  /**
   * Pings this machine, or another host, with iputils' ping. An interrupt of the cell ends it, and what came until then is returned.
   *
   * @throws ArgumentError, ClosedError; MissingFeatureError for IPv6 on a machine without it, or when there is no ping
   * @example
   * const { received } = await peer.ping({ count: 200, intervalMs: 5 });
   */
  async ping(options: PingOptions = {}): Promise<PingResult> {
    const {
      count = 10,
      intervalMs = 100,
      flood = false,
      preload = 1,
      family = 4,
      size = 56,
      timeoutMs = 1000,
      seconds,
      cpu,
      to,
    } = options;
    requireInteger("count", count, { from: 1, to: 10_000_000 });
    requireInteger("preload", preload, { from: 1, to: 65_536 });
    requireInteger("size", size, { from: 0, to: 65507 });
    if (!(intervalMs >= 1 && intervalMs <= 3_600_000))
      throw new ArgumentError(`intervalMs: expected a number from 1 to 3600000, got ${String(intervalMs)}.`, {
        hint: "To ping faster than every millisecond, pass flood: true.",
      });
    requireNumber("timeoutMs", timeoutMs, { above: 0, to: 3_600_000 });
    const target = to === undefined ? this.#target(family) : formatAddress(parseAddress(to));
    const pace = flood ? ["-f"] : ["-D", "-i", String(intervalMs / 1000)];
    if (seconds !== undefined) requireInteger("seconds", seconds, { from: 1, to: 86_400 });
    const args = [
      `-${target.includes(":") ? 6 : 4}`,
      "-n",
      ...pace,
      ...(preload === 1 ? [] : ["-l", String(preload)]),
      ...(seconds === undefined ? [] : ["-w", String(seconds)]),
      "-c",
      String(count),
      "-s",
      String(size),
      "-W",
      String(timeoutMs / 1000),
      target,
    ];
    if (cpu !== undefined) requireInteger("cpu", cpu, { from: 0, to: 4095 });
    const [file, ...rest] = cpu === undefined ? ["ping", ...args] : ["taskset", "-c", String(cpu), "ping", ...args];
    const { stdout, stderr, exitCode } = await this.#untilInterrupted(file, rest);
    if (exitCode !== 0 && !/packets transmitted/.test(stdout)) {
      throw new MissingFeatureError(
        "ping",
        `ping cannot run on ${this.name}: ${stderr.trim() || `it ended with ${String(exitCode)}`}`,
        { hint: "It needs Debian's iputils-ping." },
      );
    }
    return parsePing(stdout);
  }

  /**
   * Sends echo requests to this machine at a steady rate, and does not wait for replies, as attackers do not.
   * An interrupt of the cell ends it, and what came until then is returned.
   *
   * @throws ArgumentError, ClosedError; MissingFeatureError for IPv6 on a machine without it, or when there is no python3
   * @example
   * const { sent, received } = await peer.flood({ perSecond: 20_000, seconds: 3 });
   */
  async flood(options: FloodOptions): Promise<FloodResult> {
    const { stdout, stderr, exitCode } = await this.#untilInterrupted(
      "python3",
      floodCommand(this.#target(options.family ?? 4), options),
    );
    if (exitCode === 0) return JSON.parse(stdout) as FloodResult;
    throw new MissingFeatureError(
      "flood",
      `A flood cannot be sent from ${this.name}: ${stderr.trim().split("\n").at(-1) || `python3 ended with ${String(exitCode)}`}`,
      { hint: "It needs python3 and the right to open raw sockets." },
    );
  }

  #target(family: 4 | 6): string {
    const target = family === 6 ? this.#host.ipv6 : this.#host.ipv4;
    if (!target)
      throw new MissingFeatureError("IPv6", "This machine has no IPv6, so nothing can be pinged over it.", {
        hint: "See /proc/sys/net/ipv6/conf/all/disable_ipv6.",
      });
    return target;
  }

  /** Runs a command to its end; an interrupt of the cell is one of the command, which then sums up. */
  async #untilInterrupted(
    file: string,
    args: readonly string[],
  ): Promise<{ stdout: string; stderr: string; exitCode?: number }> {
    const child = this.run(file, args, { reject: false });
    const signal = interruptSignal();
    const interrupt = () => child.kill("SIGINT");
    if (signal?.aborted) interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    const { stdout, stderr, exitCode } = await child;
    signal?.removeEventListener("abort", interrupt);
    this.#check();
    return { stdout: String(stdout), stderr: String(stderr), exitCode };
  }

  /** @internal ends what runs here */
  end(): void {
    for (const child of this.#running) {
      child.catch(() => {}); // its end is no error of anybody's
      child.kill("SIGKILL");
    }
  }

  [inspect.custom](): string {
    return `Peer ${this.name}, ${[this.ipv4, this.ipv6].filter(Boolean).join(", ")}, in namespace ${this.namespace}`;
  }
}
