import { createServer } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { BpfProgram } from "../bpf/program.js";
import type { BpfObject } from "../handles/object.js";
import type { Peer } from "../net/peer.js";
import { parsePing, type PingResult } from "../net/ping.js";
import { playground, type Playground } from "../net/playground.js";
import { step, type Step } from "./result.js";
import { missingParts } from "./trial.js";

const THRESHOLD = 50;
const REQUESTS = 70;
const OWN = 60;
/** One after another for a second, or some on a machine that is busy: more than the windows of so many seconds let through. */
const STEADY = 300;
/** In a later second: a second that begins in its midst lets twice as many through, still fewer than 50. */
const LATER_THRESHOLD = 20;
/** How many sources in turn try to send their requests within a second, on a machine that is busy. */
const FLOODERS = 3;

// The sources hold what tsc does not copy; from dist/exercises as from src/exercises this is the same path.
const VLAN = fileURLToPath(new URL("../../src/exercises/vlan.py", import.meta.url));

/** Exercise 5: who pings too often is held to a threshold, and nobody else notices. */
export async function checkIcmpFilter(object: BpfObject): Promise<Step[]> {
  const hooks = Object.values<BpfProgram>(object.programs);
  const network = hooks.filter(({ type }) => type === "sched_cls" || type === "xdp");
  const missing =
    network.length === 0
      ? 'No program is one for a network interface: its SEC() is "tc".'
      : missingParts(object, { programs: 1, maps: [], globals: ["threshold"] });
  const first = step("a program for a network interface, and the global threshold", 1, missing);
  if (missing !== undefined) return [first, ...later];
  const hook = hooks.find((program) => program.hook)?.hook;
  const before: unknown = (object.globals as Record<string, unknown>)["threshold"];
  const lab = await playground({ peers: 3 + FLOODERS });
  try {
    (object.globals as Record<string, unknown>)["threshold"] = THRESHOLD;
    const sees = network.some(({ type }) => type === "sched_cls") ? { direction: "ingress" as const } : {}; // XDP sees no other
    await object.attach({ interface: lab.interface, ...sees });
    const setThreshold = (value: number) => ((object.globals as Record<string, unknown>)["threshold"] = value);
    return [first, ...(await tried(lab, setThreshold, () => emptyMap(object)))];
  } finally {
    object.detach();
    lab.close();
    (object.globals as Record<string, unknown>)["threshold"] = before;
    if (hook) await object.attach(hook);
  }
}

const names = [
  ["anything but ICMP over IPv4 passes", 2],
  ["answers to our own pings pass", 1],
  ["above the threshold requests are dropped", 2],
  ["a source that asks more slowly is answered", 2],
  ["other sources are not affected", 2],
  ["beyond the exercise: IPv6 is held to the threshold too", 0],
] as const;

const later: Step[] = names.map(([name, points]) => step(name, points, "Not checked until the step above passes."));

/** A map that has no entry, though requests have come: where the count should be. */
function emptyMap(object: BpfObject): string | undefined {
  return Object.values<(typeof object.maps)[string]>(object.maps).find(
    (map) => /hash/.test(map.type) && map.entries().length === 0,
  )?.name;
}

async function tried(
  lab: Playground,
  setThreshold: (value: number) => void,
  empty: () => string | undefined,
): Promise<Step[]> {
  const [polite, innocent, steady, ...flooders] = lab.peers as [Peer, Peer, Peer, ...Peer[]];
  const passes = await othersPass(lab, innocent);
  // Without ARP nothing reaches this machine, whatever the rest of the program does.
  if (passes === NO_ARP)
    return names.map(([name, points], i) =>
      step(name, points, i === 0 ? passes : "Not checked until ARP comes through."),
    );
  // More than the threshold: who counts answers, too, then drops some.
  const replies = await ping(lab, innocent.ipv4, OWN);
  // The polite one stays below 50 in any second, and above it altogether.
  let held = 0;
  const [flood, spread, slow, few] = await Promise.all([
    floodWithinSecond(flooders, 4),
    steady.ping({ count: STEADY, intervalMs: 3, timeoutMs: 300 }).finally(() => (held = performance.now())),
    polite.ping({ count: REQUESTS, intervalMs: 40 }),
    innocent.ping({ count: 10, intervalMs: 50 }),
  ]);
  await delay(Math.max(0, held + 1100 - performance.now()));
  const again = await steady.ping({ count: 5, intervalMs: 20, timeoutMs: 300 });
  setThreshold(LATER_THRESHOLD);
  const next = flood && (await laterSecond(flood.source));
  setThreshold(THRESHOLD);
  const six = innocent.ipv6 ? await floodWithinSecond(flooders, 6) : undefined;
  const results = [
    passes,
    replies === OWN
      ? undefined
      : `${replies} of ${OWN} answers to our own pings came in: an answer is ICMP too, of type 0 (echo reply). Only requests, type 8, are to be counted.`,
    flood
      ? (wrongAbove(flood.received, slow.received, few.received, spread, empty) ??
        (next ? wrongNext(next.received) : TOO_BUSY))
      : TOO_BUSY,
    wrongSlow(flood?.received, slow.received) ?? wrongLater(again),
    few.received === 10
      ? undefined
      : few.received === 0 && flood?.received === 0
        ? "Nobody's ping is answered, also that of a source that asks 10 times: is a request below the threshold let through?"
        : `A source that asked 10 times got ${few.received} answers while another one flooded: is there a count for each source address (ip->saddr)?`,
    six === undefined
      ? innocent.ipv6
        ? TOO_BUSY
        : "This machine has no IPv6."
      : six.received === THRESHOLD
        ? undefined
        : `${six.received} of 70 requests over IPv6 were answered. Whoever goes further looks at ETH_P_IPV6 and ICMPv6 type 128.`,
  ];
  return names.map(([name, points], i) => step(name, points, results[i]));
}

const TOO_BUSY = `This machine was too busy to send ${REQUESTS} requests within a second, so this could not be tried: run the check again.`;

/** What came of requests that were all sent within one second; of several sources the first that managed. */
async function floodWithinSecond(
  sources: readonly Peer[],
  family: 4 | 6,
): Promise<(PingResult & { source: Peer }) | undefined> {
  for (const source of sources) {
    const flood = await source.ping({ count: REQUESTS, preload: REQUESTS, family, timeoutMs: 300 });
    if (flood.duration_ns < 1e9 || flood.received === 0) return { ...flood, source };
  }
  return undefined;
}

/** The source that flooded asks again, evenly through half of a later second; undefined where it took a whole one. */
async function laterSecond(source: Peer): Promise<PingResult | undefined> {
  for (let tries = 0; tries < FLOODERS; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1100)); // until the second of what it asked before is over
    const next = await source.ping({ count: REQUESTS, intervalMs: 7, timeoutMs: 100 });
    if (next.duration_ns < 1e9) return next;
  }
  return undefined;
}

function wrongNext(received: number): string | undefined {
  if (received >= LATER_THRESHOLD && received <= 2 * LATER_THRESHOLD) return undefined;
  const asked = `In a later second, with the threshold at ${LATER_THRESHOLD}, the same source`;
  if (received === REQUESTS)
    return `${asked} got an answer to each of 70 requests: is its window a whole second long (1000000000 ns), and does it begin then (w->begun = now) when its count begins at 0?`;
  if (received === THRESHOLD)
    return `${asked} got ${THRESHOLD} answers: compare the count with threshold, not with 50.`;
  return `${asked} got ${received} answers of 70: is its window a whole second long (1000000000 ns), and does its count begin at 0 in a new one?`;
}

function wrongFlood(received: number, slow: number, few: number, empty: () => string | undefined): string | undefined {
  if (received === THRESHOLD) return undefined;
  const map = received === REQUESTS || received === 0 ? empty() : undefined;
  if (map !== undefined)
    return received === 0
      ? `No request is answered at all: the threshold (50) is not looked at. The map ${map} is empty: when the lookup finds nothing, put an entry for the source into it, and let that first request pass.`
      : `All 70 requests within a second were answered, and the map ${map} is empty: nothing is dropped. Is h_proto compared in network byte order, bpf_htons(ETH_P_IP), and does a source that the lookup does not find get an entry?`;
  if (received === REQUESTS)
    return "All 70 requests within a second were answered, with the threshold at 50: nothing is dropped. Is h_proto compared in network byte order, bpf_htons(ETH_P_IP), the count with threshold, and is the window a second (1000000000 ns)?";
  if (received === 0 && slow === 0 && few === 0)
    return "No request is answered at all: the threshold (50) is not looked at.";
  if (received === THRESHOLD - 1 || received === THRESHOLD + 1)
    return `${received} of 70 requests were answered, with the threshold at ${THRESHOLD}: count > threshold drops the first one above it. Is it >= instead, or is the first one not counted?`;
  return `${received} of 70 requests within a second were answered, with the threshold at ${THRESHOLD}: is there one count for each source, and are requests alone counted?`;
}

function wrongAbove(
  flood: number,
  slow: number,
  few: number,
  spread: PingResult,
  empty: () => string | undefined,
): string | undefined {
  if (flood === REQUESTS - THRESHOLD || flood === REQUESTS - THRESHOLD + 1)
    return `${flood} of 70 requests were answered, as if the first 50 had been dropped and the others let through: PASS and DROP are the wrong way round.`;
  return (flood < REQUESTS ? wrongSpread(spread) : undefined) ?? wrongFlood(flood, slow, few, empty);
}

function wrongSpread({ received, sent, duration_ns }: PingResult): string | undefined {
  if (received <= THRESHOLD * (Math.ceil(duration_ns / 1e9) + 1)) return undefined;
  return `A source that asked ${sent} times within ${Math.round(duration_ns / 1e6)} ms got ${received} answers, with the threshold at ${THRESHOLD}: is its window a second long (1000000000 ns), and does it begin anew with its count (w->begun = now)?`;
}

function wrongLater({ received }: PingResult): string | undefined {
  if (received > 0) return undefined;
  return "A source that was held to the threshold is not answered any more, though it has asked nothing for more than a second: its window has to restart also when its count is above the threshold.";
}

function wrongSlow(flood: number | undefined, slow: number): string | undefined {
  if (slow >= REQUESTS) return undefined;
  // Fewer than 50 when it had asked before, such as in the student's own trial.
  if (slow === THRESHOLD || (slow < THRESHOLD && flood === THRESHOLD))
    return `A source that asks 25 times a second got ${slow} answers of 70: its window never restarts. After a second the count starts at 0 again.`;
  if (slow === 0 && flood === 0) return "No request is answered at all, also of a source that asks 25 times a second.";
  return `A source that asks 25 times a second got ${slow} answers of 70: the threshold is 50 in a second.`;
}

const NO_ARP =
  "ARP does not come through, so that nobody finds this machine any more: packets whose h_proto is not ETH_P_IP have to pass.";

/** ARP, TCP, IPv6 and VLANs, which have to pass. */
async function othersPass(lab: Playground, peer: Peer): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy()).listen(0, lab.ipv4);
  await once(server, "listening");
  try {
    const { port } = server.address() as { port: number };
    const connect = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1.5)";
    await peer.run("ip", ["neigh", "flush", "all"], { reject: false });
    const { exitCode } = await peer.run("python3", ["-c", connect, lab.ipv4, String(port)], { reject: false });
    const neighbours = String((await peer.run("ip", ["neigh", "show", lab.ipv4], { reject: false })).stdout);
    if (!/lladdr/.test(neighbours)) return NO_ARP;
    if (exitCode !== 0) return "TCP does not come through: packets whose protocol is not IPPROTO_ICMP have to pass.";
    if (peer.ipv6 && (await peer.ping({ count: 3, intervalMs: 20, family: 6 })).received < 3)
      return "IPv6 does not come through: packets whose h_proto is not ETH_P_IP have to pass.";
    if ((await peer.ping({ count: 3, intervalMs: 20, timeoutMs: 500 })).received < 3) return undefined; // what is said of requests without a tag tells more
    if ((await vlanRequests(lab, peer, 1)) < 3)
      return "What comes with a VLAN tag does not come through. The kernel takes the tag off before the program runs: it is to be treated like any other packet.";
    if ((await vlanRequests(lab, peer, 2)) < 3)
      return "What comes with two VLAN tags does not come through: its h_proto is 0x8100 (the kernel takes off the outer one), and packets whose h_proto is not ETH_P_IP have to pass.";
    return undefined;
  } finally {
    server.close();
  }
}

/** Pings a peer from this machine; returns the answers. */
async function ping(lab: Playground, address: string, count: number): Promise<number> {
  const { stdout } = await execa(
    "ping",
    ["-n", "-l", String(count), "-c", String(count), "-W", "0.3", "-I", lab.interface, address],
    {
      reject: false,
      env: { LC_ALL: "C" },
    },
  );
  return parsePing(stdout).received;
}

/** Sends three requests with so many VLAN tags; returns how many the filter lets through. */
async function vlanRequests(lab: Playground, peer: Peer, tags: number): Promise<number> {
  const receiver = execa("python3", [VLAN, "receive", lab.interface, String(tags), "3"], {
    reject: false,
    buffer: false,
  });
  const said = receiver.iterable();
  await said.next(); // it is ready
  await peer.run("python3", [VLAN, "send", "eth0", String(tags), "3"]);
  return Number((await said.next()).value);
}
