import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { ArgumentError, bpf, ClosedError, net } from "../../dist/api/index.js";

describe("a flood", () => {
  let lab: net.Playground;
  let filter: net.IcmpFilter;
  before(async () => {
    lab = await net.playground({ peers: 1 });
    filter = await bpf.load("tc_icmp_filter", { globals: { mode: "monitor", threshold: 50 } });
    await filter.attach({ interface: lab.interface });
  });
  after(() => {
    filter.close();
    lab.close();
  });
  afterEach(() => void Object.assign(filter.globals, { mode: "monitor" }));

  for (const family of [4, 6] as const) {
    const account = () => {
      const [peer] = lab.peers;
      const { passed, dropped } = filter.maps.peers.get(family === 4 ? peer!.ipv4 : peer!.ipv6!) ?? {
        passed: 0,
        dropped: 0,
      };
      return { passed, dropped };
    };

    test(`IPv${family}: every request reaches the filter, and every reply is counted`, async () => {
      const earlier = account();
      const { sent, received, seconds } = await lab.peers[0]!.flood({ perSecond: 2000, seconds: 1, family });
      assert.equal(account().passed - earlier.passed, sent);
      assert.equal(received, sent);
      assert.ok(sent > 0 && sent <= 2000 && seconds < 30, `${sent} in ${seconds} s`);
    });

    test(`IPv${family}: it goes on when nobody answers any more`, async () => {
      net.release(filter, family === 4 ? lab.peers[0]!.ipv4 : lab.peers[0]!.ipv6!);
      filter.globals.mode = "filter";
      const { sent, received } = await lab.peers[0]!.flood({ perSecond: 4000, seconds: 0.5, family, size: 3 });
      assert.deepEqual(account(), { passed: 50, dropped: sent - 50 });
      assert.equal(received, 50);
      assert.ok(sent > 200, `ping would have sent some 50 more, and it sent ${sent}`);
      net.release(filter, family === 4 ? lab.peers[0]!.ipv4 : lab.peers[0]!.ipv6!);
    });
  }

  test("closing the playground ends it", async () => {
    const other = await net.playground();
    const long = other.peers[0]!.flood({ perSecond: 10, seconds: 600 });
    await other.peers[0]!.ping({ count: 1 });
    other.close();
    await assert.rejects(long, ClosedError);
  });

  test("what it cannot do is refused with the range", async () => {
    const [peer] = lab.peers;
    for (const perSecond of [0, -1, NaN, 2_000_000])
      await assert.rejects(
        peer!.flood({ perSecond, seconds: 1 }),
        /ArgumentError: perSecond: expected a number above 0 and up to 1000000/,
      );
    await assert.rejects(peer!.flood({ perSecond: 1, seconds: Infinity }), ArgumentError);
    await assert.rejects(peer!.flood({ perSecond: 1, seconds: 1, size: 1.5 }), /size: expected an integer/);
  });
});
