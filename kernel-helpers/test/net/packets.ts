// Packets byte by byte. Each function puts one header before what follows it.
import { net } from "../../dist/api/index.js";

const be16 = (value: number) => [(value >> 8) & 0xff, value & 0xff];
const bytes = (...parts: (number[] | Uint8Array | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const v4 = (address: string) => net.parseAddress(address).subarray(12);

/** The internet checksum (RFC 1071). */
function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += (data[i]! << 8) | (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function withChecksum(data: Buffer, at: number, covered: Buffer = data): Buffer {
  data.writeUInt16BE(0, at);
  data.writeUInt16BE(checksum(covered === data ? data : bytes(covered, data)), at);
  return data;
}

export const protocols = {
  icmp: 1,
  tcp: 6,
  icmp6: 58,
  hop: 0,
  routing: 43,
  fragment: 44,
  auth: 51,
  destination: 60,
} as const;

export interface Ends {
  from: string;
  to: string;
}

/** ICMP for IPv4: an echo request, or another type. */
export function icmp({ type = 8, size = 56, sequence = 1 } = {}): Buffer {
  return withChecksum(bytes([type, 0, 0, 0, ...be16(0x4242), ...be16(sequence)], Buffer.alloc(size, 0x61)), 2);
}

/** ICMPv6, whose checksum covers the addresses. */
export function icmp6({ from, to }: Ends, { type = 128, size = 56, sequence = 1 } = {}): Buffer {
  const message = bytes([type, 0, 0, 0, ...be16(0x4242), ...be16(sequence)], Buffer.alloc(size, 0x61));
  const pseudo = bytes(net.parseAddress(from), net.parseAddress(to), [
    0,
    0,
    ...be16(message.length),
    0,
    0,
    0,
    protocols.icmp6,
  ]);
  return withChecksum(message, 2, pseudo);
}

export interface Ipv4Options extends Ends {
  protocol?: number;
  /** A multiple of four bytes. */
  options?: number[];
  /** In units of eight bytes. */
  fragment?: number;
  more?: boolean;
  /** What the header says of the packet's length; default the truth. */
  totalLength?: number;
  version?: number;
  headerWords?: number;
}

export function ipv4(
  {
    from,
    to,
    protocol = protocols.icmp,
    options = [],
    fragment = 0,
    more = false,
    totalLength,
    version = 4,
    headerWords,
  }: Ipv4Options,
  payload: Buffer,
): Buffer {
  const words = headerWords ?? 5 + options.length / 4;
  const length = totalLength ?? 20 + options.length + payload.length;
  const head = bytes(
    [
      (version << 4) | words,
      0,
      ...be16(length),
      ...be16(0x1234),
      ...be16((more ? 0x2000 : 0) | fragment),
      64,
      protocol,
      0,
      0,
    ],
    v4(from),
    v4(to),
    options,
  );
  return bytes(withChecksum(head, 10), payload);
}

export interface Ipv6Options extends Ends {
  next?: number;
  payloadLength?: number;
  version?: number;
}

export function ipv6(
  { from, to, next = protocols.icmp6, payloadLength, version = 6 }: Ipv6Options,
  payload: Buffer,
): Buffer {
  return bytes(
    [version << 4, 0, 0, 0, ...be16(payloadLength ?? payload.length), next, 64],
    net.parseAddress(from),
    net.parseAddress(to),
    payload,
  );
}

/** Hop-by-hop or destination options of `8 * units` bytes in all: one that hosts skip (RFC 4727), for they refuse long padding. */
export function options(next: number, payload: Buffer, units = 1): Buffer {
  return bytes([next, units - 1, 0x1e, 8 * units - 4], Buffer.alloc(8 * units - 4), payload);
}

/** A routing header with no segment left. */
export function routing(next: number, payload: Buffer): Buffer {
  return bytes([next, 0, 253, 0, 0, 0, 0, 0], payload);
}

export function fragment(next: number, payload: Buffer, { offset = 0, more = false } = {}): Buffer {
  return bytes([next, 0, ...be16((offset << 3) | (more ? 1 : 0)), 0, 0, 0, 9], payload);
}

export function auth(next: number, payload: Buffer): Buffer {
  return bytes([next, 4], Buffer.alloc(22), payload);
}

export const ethertypes = { ipv4: 0x0800, ipv6: 0x86dd, arp: 0x0806, vlan: 0x8100, qinq: 0x88a8 } as const;

export interface Link {
  to: string;
  from: string;
}

const mac = (text: string) => text.split(":").map((part) => parseInt(part, 16));
/** For test runs, where nobody looks at it. */
export const anyLink: Link = { to: "02:00:00:00:00:01", from: "02:00:00:00:00:02" };

export function ethernet(type: number, payload: Buffer, { to, from }: Link = anyLink): Buffer {
  return bytes(mac(to), mac(from), be16(type), payload);
}

/** What stands between the addresses and the packet: tags, outermost first, of 802.1Q or 802.1ad. */
export function tagged(
  tags: { type: number; id: number }[],
  type: number,
  payload: Buffer,
): { type: number; payload: Buffer } {
  return tags.reduceRight(
    (inner, tag) => ({ type: tag.type, payload: bytes(be16(tag.id), be16(inner.type), inner.payload) }),
    { type, payload },
  );
}
