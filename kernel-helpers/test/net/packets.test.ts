import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { net } from "../../dist/api/index.js";
import { bpf } from "../../dist/api/index.js";
import {
  auth,
  ethernet,
  ethertypes,
  fragment,
  icmp,
  icmp6,
  ipv4,
  ipv6,
  options,
  protocols,
  routing,
  tagged,
} from "./packets.js";

const PASS = -1 >>> 0; // the next program's turn
const DROP = 2;

const four = { from: "198.18.7.9", to: "198.18.7.1" };
const six = { from: "2001:db8:7::9", to: "2001:db8:7::1" };
const ping4 = (more: object = {}) => ethernet(ethertypes.ipv4, ipv4({ ...four, ...more }, icmp()));
const inIpv6 = (next: number, payload: Buffer, more: object = {}) =>
  ethernet(ethertypes.ipv6, ipv6({ ...six, next, ...more }, payload));
const message6 = icmp6(six);
const chain = (length: number) => {
  let [next, payload] = [protocols.icmp6 as number, message6];
  for (let i = 0; i < length; i++) [payload, next] = [options(next, payload), protocols.destination];
  return inIpv6(next, payload);
};
const tags = (list: { type: number; id: number }[], type: number, payload: Buffer) => {
  const inner = tagged(list, type, payload);
  return ethernet(inner.type, inner.payload);
};

/** What the filter takes a packet for; each is checked in every mode. */
type Kind = "request" | "other ICMP" | "upkeep" | "hidden" | "no ICMP";

const cases: [string, Buffer, Kind, string?][] = [
  ["an IPv4 echo request", ping4(), "request", four.from],
  ["an IPv6 echo request", inIpv6(protocols.icmp6, message6), "request", six.from],
  ["a request without payload", ethernet(ethertypes.ipv4, ipv4(four, icmp({ size: 0 }))), "request", four.from],
  ["an echo reply", ethernet(ethertypes.ipv4, ipv4(four, icmp({ type: 0 }))), "other ICMP"],
  ["destination unreachable", ethernet(ethertypes.ipv4, ipv4(four, icmp({ type: 3 }))), "other ICMP"],
  ["an ICMPv6 echo reply", inIpv6(protocols.icmp6, icmp6(six, { type: 129 })), "other ICMP"],
  ["ICMPv6 packet too big", inIpv6(protocols.icmp6, icmp6(six, { type: 2 })), "other ICMP"],
  ["neighbour solicitation", inIpv6(protocols.icmp6, icmp6(six, { type: 135 })), "upkeep"],
  ["router advertisement", inIpv6(protocols.icmp6, icmp6(six, { type: 134 })), "upkeep"],
  ["multicast listener report", inIpv6(protocols.icmp6, icmp6(six, { type: 143 })), "upkeep"],
  ["TCP that looks like a request inside", ping4({ protocol: protocols.tcp }), "no ICMP"],
  ["ICMPv6's number in IPv4", ping4({ protocol: protocols.icmp6 }), "no ICMP"],
  ["ICMP's number in IPv6", inIpv6(protocols.icmp, message6), "no ICMP"],
  ["ARP", ethernet(ethertypes.arp, Buffer.alloc(46)), "no ICMP"],
  ["IPv6 under IPv4's type", ethernet(ethertypes.ipv4, ipv6(six, message6)), "no ICMP"],
  ["IPv4 under IPv6's type", ethernet(ethertypes.ipv6, ipv4(four, icmp())), "no ICMP"],

  ["IPv4 options, 4 bytes", ping4({ options: [1, 1, 1, 0] }), "request", four.from],
  ["IPv4 options, the most there can be", ping4({ options: Array<number>(40).fill(1) }), "request", four.from],
  [
    "options that begin as a request does, before a reply",
    ethernet(ethertypes.ipv4, ipv4({ ...four, options: [8, 0, 0, 0, 0, 0, 0, 0] }, icmp({ type: 0 }))),
    "other ICMP",
  ],
  ["a header length below the least", ping4({ headerWords: 4 }), "no ICMP"],
  [
    "a header length beyond the packet",
    ethernet(ethertypes.ipv4, ipv4({ ...four, headerWords: 15 }, icmp({ size: 0 }))),
    "other ICMP",
  ],

  ["the first fragment", ping4({ more: true }), "request", four.from],
  ["a later fragment", ping4({ fragment: 3, more: true }), "other ICMP"],
  ["the last fragment", ping4({ fragment: 185 }), "other ICMP"],
  ["a later fragment of UDP", ping4({ protocol: 17, fragment: 3 }), "no ICMP"],
  [
    "an IPv6 packet that is its only fragment",
    inIpv6(protocols.fragment, fragment(protocols.icmp6, message6)),
    "request",
    six.from,
  ],
  [
    "the first IPv6 fragment",
    inIpv6(protocols.fragment, fragment(protocols.icmp6, message6, { more: true })),
    "request",
    six.from,
  ],
  [
    "a later IPv6 fragment",
    inIpv6(protocols.fragment, fragment(protocols.icmp6, message6, { offset: 4 })),
    "other ICMP",
  ],
  [
    "a later IPv6 fragment of TCP",
    inIpv6(protocols.fragment, fragment(protocols.tcp, message6, { offset: 4 })),
    "no ICMP",
  ],
  [
    "a first IPv6 fragment that keeps the ICMP header for the second",
    inIpv6(
      protocols.fragment,
      fragment(protocols.destination, options(protocols.icmp6, Buffer.alloc(0)), { more: true }),
    ),
    "hidden",
  ],
  [
    "a first IPv6 fragment cut inside its options",
    inIpv6(
      protocols.fragment,
      fragment(protocols.destination, options(protocols.icmp6, Buffer.alloc(0), 4).subarray(0, 8), { more: true }),
    ),
    "hidden",
  ],

  ["hop-by-hop options", inIpv6(protocols.hop, options(protocols.icmp6, message6)), "request", six.from],
  [
    "destination options, 64 bytes",
    inIpv6(protocols.destination, options(protocols.icmp6, message6, 8)),
    "request",
    six.from,
  ],
  ["a routing header", inIpv6(protocols.routing, routing(protocols.icmp6, message6)), "request", six.from],
  ["an authentication header", inIpv6(protocols.auth, auth(protocols.icmp6, message6)), "request", six.from],
  [
    "all of them",
    inIpv6(
      protocols.hop,
      options(
        protocols.routing,
        routing(protocols.fragment, fragment(protocols.destination, options(protocols.icmp6, message6))),
      ),
    ),
    "request",
    six.from,
  ],
  ["hop-by-hop options before TCP", inIpv6(protocols.hop, options(protocols.tcp, message6)), "no ICMP"],
  ["sixteen extension headers", chain(16), "request", six.from],
  ["seventeen extension headers", chain(17), "hidden"],
  [
    "an IPv6 source that means an IPv4 address",
    inIpv6(protocols.icmp6, message6, { from: "::ffff:198.18.7.9" }),
    "hidden",
  ],

  ["a VLAN tag", tags([{ type: ethertypes.vlan, id: 5 }], ethertypes.ipv4, ipv4(four, icmp())), "request", four.from],
  [
    "two VLAN tags",
    tags(
      [
        { type: ethertypes.qinq, id: 5 },
        { type: ethertypes.vlan, id: 6 },
      ],
      ethertypes.ipv6,
      ipv6(six, message6),
    ),
    "request",
    six.from,
  ],
  [
    "four VLAN tags",
    tags(Array(4).fill({ type: ethertypes.vlan, id: 1 }) as never, ethertypes.ipv4, ipv4(four, icmp())),
    "request",
    four.from,
  ],
  ["a VLAN tag before ARP", tags([{ type: ethertypes.vlan, id: 5 }], ethertypes.arp, Buffer.alloc(46)), "no ICMP"],
  ["a VLAN tag and nothing behind it", ethernet(ethertypes.vlan, Buffer.from([0, 5])), "no ICMP"],

  ["a length that ends before the ICMP header does, in a padded frame", ping4({ totalLength: 27 }), "other ICMP"],
  ["a length that ends with the ICMP header", ping4({ totalLength: 28 }), "request", four.from],
  [
    "an IPv6 length that ends before the ICMP header does",
    inIpv6(protocols.icmp6, message6, { payloadLength: 7 }),
    "other ICMP",
  ],
  [
    "an IPv6 length that ends with the ICMP header",
    inIpv6(protocols.icmp6, message6, { payloadLength: 8 }),
    "request",
    six.from,
  ],
  [
    "an IPv6 length that ends inside the options",
    inIpv6(protocols.destination, options(protocols.icmp6, message6, 2), { payloadLength: 3 }),
    "no ICMP",
  ],
];

describe("each kind of packet, byte by byte, through BPF_PROG_TEST_RUN", () => {
  let filter: net.IcmpFilter;
  before(async () => void (filter = await bpf.load("tc_icmp_filter")));
  after(() => filter.close());

  const run = (data: Buffer) => filter.programs.icmp_filter.testRun({ data }).retval;
  const sources = () => filter.maps.peers.entries().map(([source, { count }]) => [source, count]);
  const forget = () => {
    for (const map of [filter.maps.peers, filter.maps.blacklist]) for (const key of map.keys()) map.delete(key);
  };
  beforeEach(forget);

  for (const [what, frame, kind, source] of cases) {
    test(`${what}: ${kind}`, () => {
      Object.assign(filter.globals, { mode: "filter", threshold: 1 });
      const { hidden } = filter.globals;
      assert.equal(run(frame), kind === "hidden" ? DROP : PASS);
      assert.equal(
        run(frame),
        kind === "hidden" || kind === "request" ? DROP : PASS,
        "the second of a request is one too many",
      );
      assert.deepEqual(sources(), kind === "request" ? [[source, 2]] : []);

      forget();
      filter.globals.mode = "monitor";
      assert.deepEqual([run(frame), run(frame)], [PASS, PASS]);
      assert.deepEqual(sources(), kind === "request" ? [[source, 2]] : []);

      filter.globals.mode = "drop_all";
      assert.equal(run(frame), kind === "no ICMP" || kind === "upkeep" ? PASS : DROP);
      assert.equal(filter.globals.hidden - hidden, kind === "hidden" ? 5 : 0);
    });
  }

  test("a packet cut at each byte: never a crash, and a request as soon as its ICMP header is whole", () => {
    filter.globals.mode = "monitor";
    for (const [whole, least] of [
      [ping4(), 14 + 20 + 8],
      [inIpv6(protocols.hop, options(protocols.icmp6, message6)), 14 + 40 + 8 + 8],
    ] as const) {
      for (let length = 14; length <= whole.length; length++) {
        forget();
        try {
          assert.equal(run(whole.subarray(0, length)), PASS);
        } catch (error) {
          // Too short for the kernel to make a packet of it.
          assert.ok(
            length < least && (error as Error).message.includes("Invalid argument"),
            `${length} bytes: ${(error as Error).message}`,
          );
          continue;
        }
        assert.equal(sources().length, length >= least ? 1 : 0, `${length} bytes`);
      }
    }
  });

  test("20,000 packets with random bytes changed end in a decision", () => {
    Object.assign(filter.globals, { mode: "filter", threshold: 50 });
    let seed = 12345;
    const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
    const starts = cases.map(([, frame]) => frame);
    for (let i = 0; i < 20_000; i++) {
      const frame = Buffer.from(starts[random(starts.length)]!);
      for (let changes = 1 + random(4); changes > 0; changes--) frame[12 + random(frame.length - 12)] = random(256);
      assert.ok([PASS, DROP].includes(run(frame)));
    }
  });
});
