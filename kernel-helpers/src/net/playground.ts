import { requireInteger } from "../base/arguments.js";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { inspect } from "node:util";
import { execa } from "execa";
import { atExit, deferSignals } from "../base/at-exit.js";
import { criticalSection } from "../base/critical-section.js";
import { BpflabError, ClosedError, MissingFeatureError, NotRootError } from "../base/errors.js";
import { formatAddress, parseAddress } from "../bpf/address.js";
import { hasNamespace, makeNamespaces } from "./namespaces.js";
import { Peer } from "./peer.js";
import { erase, removeOrphans, self, write, type Written } from "../base/records.js";

/** How many test hosts to make, and what of their network. */
export interface PlaygroundOptions {
  /** How many hosts; default 1, at most 200. */
  peers?: number;
  /** Largest packet of their network, bytes; default 1500. */
  mtu?: number;
}

/** A playground as it is written down, before it is made. */
export interface PlaygroundRecord extends Written {
  kind: "playground";
  interface: string;
  namespaces: string[];
}

/** A network that is written down as ours. */
interface Reserved {
  name: string;
  record: PlaygroundRecord;
  slot: number;
}

/**
 * Test hosts: network namespaces of this machine, behind one interface of their own, as if
 * they were connected to it by a switch. Their addresses come from the ranges set aside for tests (RFC 2544)
 * and documentation (RFC 3849). Nothing leaves the machine.
 *
 * ```
 *            this host                switch          peers
 *   interface 198.18.N.1 ───veth───▶ bridge ───▶ 198.18.N.2, 2001:db8:N::2
 *             2001:db8:N::1                 ───▶ 198.18.N.3, 2001:db8:N::3
 * ```
 *
 * @example
 * lab.peers.map((peer) => peer.ipv4)  // such as ["198.18.0.2", "198.18.0.3"]
 */
export class Playground {
  /** The interface on our side: attach filters to its ingress. */
  readonly interface: string;
  /** Our address, which the peers ping. */
  readonly ipv4: string;
  /** Undefined when this machine has no IPv6. */
  readonly ipv6: string | undefined;
  /** The test hosts, in the order of their addresses. */
  readonly peers: readonly Peer[];
  readonly #name: string;
  readonly #record: PlaygroundRecord;
  readonly #stay: () => void;
  #closed = false;

  private constructor({ name, record, slot }: Reserved, hasIPv6: boolean, count: number) {
    this.#name = name;
    this.#record = record;
    this.interface = record.interface;
    const address = (host: number) => ({ ipv4: ipv4Of(slot, host), ipv6: hasIPv6 ? ipv6Of(slot, host) : undefined });
    const here = address(1);
    this.ipv4 = here.ipv4;
    this.ipv6 = here.ipv6;
    const check = () => {
      if (this.#closed) throw new ClosedError(`The playground on ${this.interface}`);
    };
    this.peers = Array.from({ length: count }, (_, i) =>
      Peer.make(`peer ${i + 1}`, record.namespaces[i + 1]!, address(i + 2), here, check),
    );
    this.#stay = atExit(() => this.close()); // it outlives the process unless the process takes it down
  }

  /** @internal use `playground` */
  static make(reserved: Reserved, hasIPv6: boolean, count: number): Playground {
    return new Playground(reserved, hasIPv6, count);
  }

  /** True once it has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends what runs on the peers and removes them and the interface. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    criticalSection(() => {
      this.#stay();
      for (const peer of this.peers) peer.end();
      removePlayground(this.#name, this.#record);
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    const lines = [{ name: "this host", ipv4: this.ipv4, ipv6: this.ipv6 }, ...this.peers].map(({ name, ipv4, ipv6 }) =>
      `  ${name.padEnd(10)}${ipv4.padEnd(16)}${ipv6 ?? ""}`.trimEnd(),
    );
    return [`Playground on ${this.interface}${this.#closed ? " [closed]" : ""}`, ...lines].join("\n");
  }
}

/**
 * Makes test hosts that ping this machine, each a network namespace with real addresses.
 * They are gone after `close()`, at the end of the process, and when it was killed, at the next start.
 *
 * @throws NotRootError, MissingFeatureError, ArgumentError; BpflabError when the hosts cannot reach this one
 * @example
 * const lab = await net.playground({ peers: 3 });
 * await filter.attach({ interface: lab.interface });
 * await lab.peers[0].ping({ count: 200, intervalMs: 5 });
 * lab.close();
 */
export async function playground({ peers = 1, mtu = 1500 }: PlaygroundOptions = {}): Promise<Playground> {
  requireInteger("peers", peers, { from: 1, to: 200 });
  requireInteger("mtu", mtu, { from: 1280, to: 65535 });
  if (process.geteuid?.() !== 0) throw new NotRootError("Making network namespaces");
  removeOrphans<PlaygroundRecord>("playground", removePlayground);
  const hasIPv6 = ipv6IsOn();
  const { made, reserved } = criticalSection(() => {
    deferSignals();
    const reserved = reserve(peers);
    return { reserved, made: Playground.make(reserved, hasIPv6, peers) };
  });
  try {
    await build(made, reserved.record, reserved.slot, mtu);
    await Promise.all(made.peers.map((peer) => reach(peer, hasIPv6)));
  } catch (error) {
    made.close();
    throw error;
  }
  return made;
}

const SLOTS = 512; // 198.18.0.0/15 in networks of 256 addresses
const ipv4Of = (slot: number, host: number) => `198.${18 + (slot >> 8)}.${slot & 0xff}.${host}`;
const ipv6Of = (slot: number, host: number) =>
  formatAddress(parseAddress(`2001:db8:${slot.toString(16)}::${host.toString(16)}`));

/** A network that nobody on this machine has, written down as ours. */
function reserve(peers: number): Reserved {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap(
      (list) => list?.map(({ address }) => address.split(".").slice(0, 3).join(".")) ?? [],
    ),
  );
  for (let slot = 0; slot < SLOTS; slot++) {
    if (taken.has(ipv4Of(slot, 0).split(".").slice(0, 3).join("."))) continue;
    const prefix = `bpflab-${process.pid}-${slot}`;
    const namespaces = [`${prefix}-switch`, ...Array.from({ length: peers }, (_, i) => `${prefix}-peer${i + 1}`)];
    const record: PlaygroundRecord = {
      kind: "playground",
      owner: self(),
      interface: `blab${process.pid}-${slot}`,
      namespaces,
    };
    if (write(`playground-${slot}`, record)) return { name: `playground-${slot}`, record, slot };
  }
  throw new BpflabError("PLAYGROUND", "All networks of 198.18.0.0/15 are in use on this machine.", {
    hint: "Close playgrounds that are no longer needed.",
  });
}

function ipv6IsOn(): boolean {
  const off = (which: string) => readFileSync(`/proc/sys/net/ipv6/conf/${which}/disable_ipv6`, "utf8").trim() !== "0";
  return existsSync("/proc/sys/net/ipv6") && !off("all") && !off("default");
}

async function build(
  made: Playground,
  { interface: ours, namespaces }: PlaygroundRecord,
  slot: number,
  mtu: number,
): Promise<void> {
  const [bridge, ...hosts] = namespaces as [string, ...string[]];
  // No link-local addresses: the given ones are all that is needed, and usable at once.
  const quiet = (device: string) => `link set ${device} mtu ${mtu} addrgenmode ${made.ipv6 ? "none" : "eui64"}`;
  const addresses = (device: string, host: number) => [
    `addr add ${ipv4Of(slot, host)}/24 dev ${device}`,
    ...(made.ipv6 ? [`addr add ${ipv6Of(slot, host)}/64 dev ${device} nodad`] : []),
    `link set ${device} up`,
  ];
  await makeNamespaces(namespaces).catch((cause: Error) => {
    throw cannotBeMade(`"unshare --net" says: ${cause.message}`);
  });
  await ip([], [`link add ${ours} mtu ${mtu} type veth peer name host mtu ${mtu} netns ${bridge}`, quiet(ours)]);
  await ip(
    ["-n", bridge],
    [
      "link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
      `link set bridge mtu ${mtu}`,
      ...hosts.map((name, i) => `link add port${i + 1} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${name}`),
      ...["host", ...hosts.map((_, i) => `port${i + 1}`)].map((port) => `link set ${port} master bridge up`),
      "link set bridge up",
    ],
  );
  await Promise.all(
    hosts.map((name, i) => ip(["-n", name], ["link set lo up", quiet("eth0"), ...addresses("eth0", i + 2)])),
  );
  await ip([], addresses(ours, 1));
}

async function ip(where: string[], commands: string[]): Promise<void> {
  const { failed, stderr } = await execa("ip", [...where, "-batch", "-"], {
    input: `${commands.join("\n")}\n`,
    reject: false,
  });
  if (!failed) return;
  const [line = "", ...more] = stderr.trim().split("\n");
  const at = /Command failed -:(\d+)/.exec(more.join("\n") || line);
  throw cannotBeMade(
    `"ip ${at ? commands[Number(at[1]) - 1] : "-batch"}" says: ${line || "iproute2 is not installed"}.`,
  );
}

const cannotBeMade = (why: string) =>
  new MissingFeatureError("test hosts", `The test hosts cannot be made: ${why}`, {
    hint: "They need iproute2, util-linux, and a kernel with veth, bridge and network namespaces.",
  });

/** Sees to it that a peer can ping us, and that both ends know each other's hardware address before a test counts replies. */
async function reach(peer: Peer, hasIPv6: boolean): Promise<void> {
  for (const family of hasIPv6 ? ([4, 6] as const) : ([4] as const)) {
    let received = 0;
    // A second each; on a machine that is busy with other things the first replies may come late.
    for (let tries = 0; received === 0 && tries < 10; tries++)
      ({ received } = await peer.ping({ count: 1, intervalMs: 10, family, timeoutMs: 1000 }));
    if (received > 0) continue;
    throw new BpflabError("PLAYGROUND", `This machine does not answer ${peer.name}'s pings over IPv${family}.`, {
      hint: `Check whether its firewall drops ICMP (nft list ruleset), or net.ipv4.icmp_echo_ignore_all or net.ipv${family}.icmp.echo_ignore_all is 1.`,
    });
  }
}

/** Removes what a record names, as much of it as there is. */
export function removePlayground(name: string, { interface: ours, namespaces }: PlaygroundRecord): void {
  // Deleting a namespace's name leaves it to the processes in it: whoever runs there was started by the playground.
  for (const namespace of namespaces) for (const pid of pidsIn(namespace)) end(pid);
  const commands = [`link del ${ours}`, ...namespaces.map((namespace) => `netns del ${namespace}`)];
  const isThere = () => existsSync(`/sys/class/net/${ours}`) || namespaces.some(hasNamespace);
  // More than once: a command that makes them may be at work when the process is told to end.
  for (let tries = 0; tries === 0 || (tries < 5 && isThere()); tries++) {
    try {
      execFileSync("ip", ["-force", "-batch", "-"], {
        input: `${commands.join("\n")}\n`,
        stdio: ["pipe", "ignore", "ignore"],
      });
    } catch {
      // some of it was not there (any more)
    }
  }
  erase(name);
}

function pidsIn(namespace: string): number[] {
  try {
    const text = execFileSync("ip", ["netns", "pids", namespace], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim().split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
