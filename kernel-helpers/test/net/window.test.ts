import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bpf, collect, net, type BpfObject } from "../../dist/api/index.js";
import { ethernet, ethertypes, icmp, ipv4 } from "./packets.js";

const SECOND = 1e9;
const source = "198.18.7.9";
const frame = ethernet(ethertypes.ipv4, ipv4({ from: source, to: "198.18.7.1" }, icmp()));

describe("the window and the ban, to the nanosecond", () => {
  // The shipped program with a clock that the test moves.
  let filter: net.IcmpFilter & BpfObject<any>;
  before(async () => {
    const { text } = await bpf.source("tc_icmp_filter");
    const clocked = text
      .replace("/* Counts one echo request", "__u64 test_clock = 0;\n\n/* Counts one echo request")
      .replace("now = bpf_ktime_get_ns()", "now = test_clock");
    assert.equal(clocked.includes("bpf_ktime_get_ns"), false);
    filter = (await bpf.load(await bpf.compile(clocked, { name: "tc_icmp_filter" }))) as never;
    filter.globals.threshold = 3;
  });
  after(() => filter.close());

  const requests = (at: number, count = 1) => {
    (filter.globals as { test_clock: number }).test_clock = at;
    return Array.from({ length: count }, () =>
      filter.programs.icmp_filter.testRun({ data: frame }).retval === 2 ? "drop" : "pass",
    ).join(" ");
  };
  const forget = () => net.release(filter, source);
  const peer = () => filter.maps.peers.get(source)!;

  test("a request belongs to the window up to 999,999,999 ns, and opens the next at 1,000,000,000", () => {
    forget();
    const start = 5 * SECOND;
    assert.equal(requests(start, 2), "pass pass");
    assert.equal(requests(start + SECOND - 1), "pass");
    assert.deepEqual([peer().first_ns, peer().count], [start, 3]);
    assert.equal(requests(start + SECOND), "pass");
    assert.deepEqual([peer().first_ns, peer().count], [start + SECOND, 1]);

    forget();
    assert.equal(requests(start, 3), "pass pass pass");
    assert.equal(requests(start + SECOND - 1), "drop", "the fourth of the window, in its last nanosecond");
    forget();
    assert.equal(requests(start, 3), "pass pass pass");
    assert.equal(requests(start + SECOND, 3), "pass pass pass", "the first three of the next");
    assert.equal(requests(start + SECOND), "drop");
  });

  test("a clock of another CPU that is a little behind does not open a window", () => {
    forget();
    requests(9 * SECOND, 2);
    assert.equal(requests(9 * SECOND - 500), "pass");
    assert.deepEqual([peer().first_ns, peer().count], [9 * SECOND, 3]);
  });

  test("events of drops: so many in a second from the first on, also when another CPU's clock is a little behind", async () => {
    forget();
    filter.globals.drop_events_per_second = 2;
    const start = 12 * SECOND;
    const act = async () => {
      for (const [at, count] of [
        [start, 3 + 5],
        [start - 500, 5],
        [start + SECOND - 1, 5],
        [start + SECOND, 5],
        [start + SECOND - 500, 5],
        [start + 2 * SECOND, 1],
      ] as const)
        requests(at, count);
    };
    const told = (await collect(filter.events("events"), { until: act })).objects() as {
      action: string;
      time_ns: number;
    }[];
    assert.deepEqual(
      told.filter(({ action }) => action === "drop").map(({ time_ns }) => time_ns),
      [start, start, start + SECOND, start + SECOND, start + 2 * SECOND],
    );
    assert.equal(told.filter(({ action }) => action === "block").length, 1);
    filter.globals.drop_events_per_second = 10;
  });

  test("a threshold that is changed acts on the next packet, and the source keeps its count and its ban", () => {
    forget();
    filter.globals.threshold = 50;
    const start = 15 * SECOND;
    assert.equal(requests(start, 10), Array(10).fill("pass").join(" "));
    filter.globals.threshold = 11;
    assert.equal(requests(start + 1), "pass", "the eleventh of the window");
    filter.globals.threshold = 8;
    assert.equal(requests(start + 2), "drop", "the twelfth");
    filter.globals.threshold = 1000;
    assert.equal(requests(start + 3), "drop", "it stays on the blacklist");
    assert.deepEqual([peer().first_ns, peer().count, peer().passed, peer().dropped], [start, 13, 11, 2]);
    filter.globals.threshold = 3;
  });

  test("a ban ends after block_seconds exactly, however much came meanwhile", () => {
    forget();
    filter.globals.block_seconds = 7;
    const start = 20 * SECOND;
    assert.equal(requests(start, 4), "pass pass pass drop");
    assert.equal(requests(start + 7 * SECOND - 1, 50), Array(50).fill("drop").join(" "));
    assert.equal(requests(start + 7 * SECOND, 4), "pass pass pass drop");
    assert.equal(filter.maps.blacklist.get(source)!.since_ns, start + 7 * SECOND);
    filter.globals.block_seconds = 0;
    assert.equal(requests(start + 100_000 * SECOND), "drop", "0: never");
    filter.globals.block_seconds = 3600;
    assert.equal(requests(start + 100_000 * SECOND), "pass", "tuned, it acts on the next packet");
    filter.globals.block_seconds = 0;
  });

  test("a full blacklist lets nobody go, holds others to the threshold, and makes room of bans that ended", async () => {
    const small = (await bpf.load(
      await bpf.compile((await bpf.source("tc_icmp_filter")).text, { name: "tc_icmp_filter" }),
      { maxEntries: { blacklist: 2 }, globals: { threshold: 1 } },
    )) as never as net.IcmpFilter;
    const from = (address: string) => ethernet(ethertypes.ipv4, ipv4({ from: address, to: "198.18.7.1" }, icmp()));
    const send = (address: string, count: number) =>
      Array.from({ length: count }, () =>
        small.programs.icmp_filter.testRun({ data: from(address) }).retval === 2 ? "drop" : "pass",
      ).join(" ");
    for (const address of ["198.18.1.1", "198.18.1.2", "198.18.1.3"]) assert.equal(send(address, 3), "pass drop drop");
    assert.deepEqual(small.maps.blacklist.keys().sort(), ["198.18.1.1", "198.18.1.2"]);
    assert.equal(small.globals.blacklist_full, 2);
    for (const key of small.maps.blacklist.keys()) small.maps.blacklist.set(key, { since_ns: 1 });
    small.globals.block_seconds = 1;
    await new Promise((resolve) => setTimeout(resolve, 1100)); // it looks for room once a second
    assert.equal(send("198.18.1.4", 2), "pass drop");
    assert.deepEqual(small.maps.blacklist.keys(), ["198.18.1.4"]);
    small.close();
  });
});
