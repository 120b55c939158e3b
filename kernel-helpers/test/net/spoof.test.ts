import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { bpf, net } from "../../dist/api/index.js";
import { buildInject } from "../workload/inject.js";
import { ethernet, ethertypes, icmp, icmp6, ipv4, ipv6 } from "./packets.js";

const sources = 200_000;

describe("a flood from made-up addresses", () => {
  let inject: Awaited<ReturnType<typeof buildInject>>;
  let lab: net.Playground;
  let filter: net.IcmpFilter;
  let link: { to: string; from: string };
  before(async () => {
    inject = await buildInject();
    lab = await net.playground({ peers: 3 });
    filter = await bpf.load("tc_icmp_filter");
    await filter.attach({ interface: lab.interface });
    const { stdout } = await lab.peers[2]!.run("cat", ["/sys/class/net/eth0/address"]);
    link = { to: readFileSync(`/sys/class/net/${lab.interface}/address`, "utf8").trim(), from: String(stdout).trim() };
  });
  after(async () => {
    filter.close();
    lab.close();
    await inject.remove();
  });
  beforeEach(() => {
    for (const map of [filter.maps.peers, filter.maps.blacklist]) for (const key of map.keys()) map.delete(key);
  });

  // Their ICMP checksums are wrong, so that the stack drops what the filter lets through: nobody is to answer strangers.
  // The sources are addresses that nobody has: of 240.0.0.0/4, and of those for documentation.
  const broken = (message: Buffer) => (message.writeUInt8(message[8]! ^ 0xff, 8), message);
  const floods = {
    4: () => ({
      frame: ethernet(ethertypes.ipv4, ipv4({ from: "240.0.0.0", to: lab.ipv4 }, broken(icmp())), link),
      offset: 14 + 12,
      base: 0xf1000000,
    }),
    6: () => ({
      frame: ethernet(
        ethertypes.ipv6,
        ipv6({ from: "2001:db8:ffff::", to: lab.ipv6! }, broken(icmp6({ from: "2001:db8:ffff::", to: lab.ipv6! }))),
        link,
      ),
      offset: 14 + 8 + 12,
      base: 1,
    }),
  } as const;

  for (const family of [4, 6] as const) {
    test(`${sources} sources, IPv${family}, one request each: who is blocked stays blocked, who is not loses nothing`, async () => {
      Object.assign(filter.globals, { threshold: 50, block_seconds: 0 });
      const [abusive, innocent, spoofer] = lab.peers;
      assert.equal((await abusive!.ping({ count: 100, intervalMs: 1, family, timeoutMs: 100 })).received, 50);
      const before = filter.globals.passed + filter.globals.dropped;
      const [flood, during] = await Promise.all([
        inject.spoof(spoofer!, floods[family]().frame, { sources, ...floods[family]() }),
        innocent!.ping({ count: 60, intervalMs: 30, family }),
      ]);
      assert.equal(flood.sent, sources);
      assert.equal(filter.globals.passed + filter.globals.dropped - before, sources + 60, "the filter saw every one");
      assert.equal(during.received, 60);
      assert.equal((await abusive!.ping({ count: 20, intervalMs: 1, family, timeoutMs: 100 })).received, 0);
      assert.equal((await innocent!.ping({ count: 20, intervalMs: 30, family })).received, 20);
      assert.ok(filter.maps.peers.keys().length <= filter.maps.peers.maxEntries);
      assert.equal(filter.globals.untracked, 0);
    });

    test(`${sources} sources, IPv${family}, each above the threshold: the blacklist fills, and nobody on it goes free`, async () => {
      Object.assign(filter.globals, { threshold: 1, block_seconds: 0 });
      const [abusive, innocent, spoofer] = lab.peers;
      assert.equal((await abusive!.ping({ count: 10, intervalMs: 1, family, timeoutMs: 100 })).received, 1);
      const [, during] = await Promise.all([
        inject.spoof(spoofer!, floods[family]().frame, { sources, perSource: 2, ...floods[family]() }),
        innocent!.ping({ count: 3, intervalMs: 1300, family }),
      ]);
      assert.equal(during.received, 3);
      assert.equal(filter.maps.blacklist.keys().length, filter.maps.blacklist.maxEntries);
      assert.equal((await abusive!.ping({ count: 20, intervalMs: 1, family, timeoutMs: 100 })).received, 0);
      // No room for the next abusive source: it is held to the threshold, window by window.
      const begun = performance.now();
      const next = await lab.peers[1]!.ping({ count: 50, intervalMs: 1, family, timeoutMs: 100 });
      const windows = 1 + Math.floor((performance.now() - begun) / 1000);
      assert.ok(next.received <= windows, `${next.received} replies in ${windows} windows`);
      assert.ok(filter.globals.blacklist_full > 0);
    });
  }

  test("a source that pings amid the flood gets exactly the threshold: nobody pushes it out of the table", async () => {
    Object.assign(filter.globals, { threshold: 20, block_seconds: 0 });
    const [abusive, , spoofer] = lab.peers;
    const [pings] = await Promise.all([
      abusive!.ping({ count: 500, intervalMs: 2, timeoutMs: 100 }),
      inject.spoof(spoofer!, floods[4]().frame, { sources, ...floods[4]() }),
    ]);
    assert.equal(pings.received, 20);
  });
});
