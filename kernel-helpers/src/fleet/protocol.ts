/**
 * What agents and notebooks say to each other, and on which subjects. The name of a host is a part of each subject that
 * its agent uses, so that the server's permissions keep agents apart: nobody is believed to be who a message says.
 *
 * ```
 * notebook ──bpflab.ask──▶ all agents           agents ──bpflab.hello.HOST──▶ notebooks
 * notebook ──bpflab.command.HOST──▶ agent       (a request, and its reply)
 * agent ──bpflab.events.HOST.PROGRAM.RING.FEED──▶ JetStream ──▶ notebook
 * ```
 */
import { ArgumentError, BpflabError } from "../base/errors.js";
import type { RingTotals } from "../base/native.js";
import type { Layout } from "../bpf/btf.js";
import type { Asked } from "../probe/probe.js";
import type { Capture } from "../streams/capture.js";
import type { MapTableOptions } from "../streams/map-table.js";

/** The stream of JetStream that holds what agents send. */
export const STREAM_NAME = "bpflab";

/** Under this name a message carries its `FeedHeader`, as JSON. */
export const HEADER_NAME = "Bpflab-Feed";

export const subjects = {
  ask: "bpflab.ask",
  hello: (host: string) => `bpflab.hello.${host}`,
  command: (host: string) => `bpflab.command.${host}`,
  events: (host: string, program: string, ring: string, feed: string) =>
    `bpflab.events.${host}.${program}.${ring}.${feed}`,
};

/** The host that a subject names. */
export const hostOf = (subject: string): string => subject.split(".")[2]!;

/** What an agent says of its host. */
export interface Announcement {
  kernel: string;
  machine: string;
  bootId: string;
  clockOffset_ms: number;
  cpus: number;
  /** What it loads. */
  programs: string[];
}

/** What a notebook asks of an agent; who asks is its own random id. */
export type Command = { notebook: string } & (
  | { do: "load"; program: string; source?: string; globals: Values; constants: Values; maxEntries: Values }
  | { do: "probe"; program: string; asked: Asked }
  | { do: "attach"; program: string; options: Values }
  | { do: "detach" | "close"; program: string }
  | { do: "set"; program: string; values: Values }
  | { do: "start" | "stop"; program: string; ring: string; feed: string }
  | { do: "totals"; program: string; ring: string }
  | { do: "table"; program: string; map: string; options: MapTableOptions }
  | { do: "put" | "delete"; program: string; map: string; key: unknown; value?: unknown }
  | { do: "part"; blob: number; from: number }
  | { do: "clock" }
);

export type Values = Record<string, unknown>;

/** What a program is, as its notebook needs to know. */
export interface Loaded {
  globals: Values;
  /** How the globals lie in memory, by name. */
  layouts: Record<string, Layout>;
  rings: string[];
  maps: string[];
}

/** The beginning of what is too long for one reply; its rest comes by `part`. */
export interface Blob {
  blob: number;
  bytes: number;
  /** In base64. */
  first: string;
  capture?: Capture;
}

/** Where a ring and its feed stand at an agent. */
export interface FeedTotals {
  ring: RingTotals;
  /** Rows sent, or waiting to be, in this feed since it began. */
  sent: number;
  /** Rows dropped because too much waited to be sent, in all feeds of this ring. */
  overflow: number;
  /** `dropped` in the newest message of this feed, which may still be on its way. */
  told?: number;
}

/** What goes with each message of a feed. Counts are since the feed began. */
export interface FeedHeader {
  /** How many rows were sent before these. */
  first: number;
  rows: number;
  lost: number | undefined;
  dropped: number;
  malformed: number;
  malformedBecause?: string;
  inexact: number;
  /** The host's boot, its CLOCK_MONOTONIC (ns) and its time of day (ms) when these were handed over. */
  boot: string;
  sent_ns: number;
  wall_ms: number;
  /**
   * The last word in a feed that the agent ended itself; or that of its witness, after it was killed: then `first` is how
   * many rows would have come, and what of them is missing went with the agent.
   */
  final?: { because: string; totals: FeedTotals; isOfWitness?: true };
}

/** What an agent sent as its announcement; undefined for anything else. */
export function announcementFrom(bytes: Uint8Array): Announcement | undefined {
  const said = parsed<Announcement>(bytes);
  const texts = [said?.kernel, said?.machine, said?.bootId, ...(Array.isArray(said?.programs) ? said.programs : [0])];
  const numbers = [said?.cpus, said?.clockOffset_ms];
  return texts.every((one) => typeof one === "string") && numbers.every(Number.isFinite) ? said : undefined;
}

/** What stands in a message's header; undefined for anything else. */
export function feedHeaderFrom(text: string): FeedHeader | undefined {
  const said = parsed<FeedHeader>(Buffer.from(text));
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) >= 0;
  const counts = [said?.first, said?.rows, said?.lost ?? 0, said?.dropped, said?.malformed, said?.inexact];
  const { because, totals } = said?.final ?? { because: "", totals: undefined };
  const last = totals && [totals.sent, totals.overflow, totals.ring?.delivered, totals.ring?.lost ?? 0];
  const isWhole =
    [...counts, ...(last ?? [])].every(isCount) &&
    [said?.sent_ns, said?.wall_ms].every(Number.isFinite) &&
    [said?.boot, because].every((one) => typeof one === "string");
  return isWhole ? said : undefined;
}

function parsed<T>(bytes: Uint8Array): T | undefined {
  try {
    return fromBytes<T>(bytes);
  } catch {
    return undefined;
  }
}

export type Reply = { ok: unknown } | { error: { code: string; message: string } };

/** What a command threw at an agent, to be thrown at the notebook. */
export function errorReply(error: unknown): Reply {
  const { message } = error as Error;
  return { error: { code: error instanceof BpflabError ? error.code : "AGENT", message } };
}

/** @throws ArgumentError for what cannot be the name of a host in a subject */
export function requireHostName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,63}$/.test(name)) return name;
  throw new ArgumentError(`A host's name is up to 63 letters, digits, - and _; got ${JSON.stringify(name)}.`, {
    hint: "Give one with --name.",
  });
}

export const toBytes = (value: unknown): Uint8Array =>
  Buffer.from(JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? { $bigint: String(v) } : v)));

export const fromBytes = <T>(bytes: Uint8Array): T =>
  JSON.parse(Buffer.from(bytes).toString("utf8"), (_, v: unknown) => {
    const text = (v as { $bigint?: unknown } | null)?.$bigint;
    return typeof text === "string" && /^-?\d+$/.test(text) ? BigInt(text) : v;
  }) as T;
