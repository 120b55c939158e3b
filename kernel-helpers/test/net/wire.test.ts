import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { bpf, net } from "../../dist/api/index.js";
import { buildInject } from "../workload/inject.js";
import {
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
  type Link,
} from "./packets.js";

describe("packets on the wire", () => {
  let inject: Awaited<ReturnType<typeof buildInject>>;
  let lab: net.Playground;
  let filter: net.IcmpFilter;
  let link: Link;
  let four: { from: string; to: string };
  let six: { from: string; to: string };

  before(async () => {
    inject = await buildInject();
    lab = await net.playground({ peers: 1, mtu: 9000 });
    filter = await bpf.load("tc_icmp_filter");
    await filter.attach({ interface: lab.interface });
    const [peer] = lab.peers;
    const { stdout } = await peer!.run("cat", ["/sys/class/net/eth0/address"]);
    link = { to: readFileSync(`/sys/class/net/${lab.interface}/address`, "utf8").trim(), from: String(stdout).trim() };
    four = { from: peer!.ipv4, to: lab.ipv4 };
    six = { from: peer!.ipv6!, to: lab.ipv6! };
  });
  after(async () => {
    bpf.closeAll();
    lab.close();
    await inject.remove();
  });
  beforeEach(() => {
    Object.assign(filter.globals, { mode: "filter", threshold: 3 });
    for (const source of filter.maps.peers.keys()) net.release(filter, source);
  });

  const v4 = (packet: Buffer) => ethernet(ethertypes.ipv4, packet, link);
  const v6 = (packet: Buffer) => ethernet(ethertypes.ipv6, packet, link);
  const send = (frames: Buffer[], how = {}) => inject.frames(lab.peers[0]!, frames, how);
  const counts = () =>
    filter.maps.peers.entries().map(([source, { passed, dropped }]) => ({ source, passed, dropped }));
  const several = <T>(make: (sequence: number) => T) => Array.from({ length: 8 }, (_, i) => make(i + 1));

  test("plain requests: three replies of eight", async () => {
    assert.deepEqual(await send(several((sequence) => v4(ipv4(four, icmp({ sequence }))))), { sent: 8, replied: 3 });
    assert.deepEqual(counts(), [{ source: four.from, passed: 3, dropped: 5 }]);
  });

  test("ICMPv6: three replies of eight, and neighbours are found meanwhile", async () => {
    assert.deepEqual(await send(several((sequence) => v6(ipv6(six, icmp6(six, { sequence }))))), {
      sent: 8,
      replied: 3,
    });
    filter.globals.mode = "drop_all";
    await lab.peers[0]!.run("ip", ["neigh", "flush", "dev", "eth0"]);
    await lab.peers[0]!.ping({ count: 1, family: 6, timeoutMs: 200 });
    const { stdout } = await lab.peers[0]!.run("ip", ["-6", "neigh", "show", six.to]);
    assert.match(String(stdout), /lladdr/);
  });

  test("IPv4 options", async () => {
    assert.deepEqual(
      await send(several((sequence) => v4(ipv4({ ...four, options: [1, 1, 1, 1, 1, 1, 1, 0] }, icmp({ sequence }))))),
      { sent: 8, replied: 3 },
    );
  });

  test("IPv6 extension headers, a chain of them, and sixteen", async () => {
    const one = (sequence: number) =>
      v6(
        ipv6(
          { ...six, next: protocols.hop },
          options(
            protocols.destination,
            options(protocols.routing, routing(protocols.icmp6, icmp6(six, { sequence }))),
          ),
        ),
      );
    assert.deepEqual(await send(several(one)), { sent: 8, replied: 3 });
    net.release(filter, six.from);
    const chain = (sequence: number) => {
      let [next, payload] = [protocols.icmp6 as number, icmp6(six, { sequence })];
      for (let i = 0; i < 16; i++) [payload, next] = [options(next, payload), protocols.destination];
      return v6(ipv6({ ...six, next }, payload));
    };
    assert.deepEqual(await send(several(chain)), { sent: 8, replied: 3 });
  });

  test("a longer chain would be answered without the filter, and is not with it", async () => {
    const chain = (sequence: number) => {
      let [next, payload] = [protocols.icmp6 as number, icmp6(six, { sequence })];
      for (let i = 0; i < 40; i++) [payload, next] = [options(next, payload), protocols.destination];
      return v6(ipv6({ ...six, next }, payload));
    };
    filter.globals.mode = "monitor";
    assert.deepEqual(await send(several(chain)), { sent: 8, replied: 8 });
    filter.globals.mode = "filter";
    const { hidden } = filter.globals;
    assert.deepEqual(await send(several(chain)), { sent: 8, replied: 0 });
    assert.equal(filter.globals.hidden - hidden, 8);
  });

  test("fragments: requests in two pieces are counted once each and answered or not as a whole", async () => {
    const pieces = (sequence: number) => {
      const message = icmp({ size: 56, sequence });
      const [first, second] = [message.subarray(0, 32), message.subarray(32)];
      const id = (packet: Buffer) => {
        packet.writeUInt16BE(0x7000 + sequence, 4); // pieces of different requests must not be mixed
        packet.writeUInt16BE(0, 10);
        let sum = 0;
        for (let i = 0; i < 20; i += 2) sum += packet.readUInt16BE(i);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        packet.writeUInt16BE(~sum & 0xffff, 10);
        return packet;
      };
      return [v4(id(ipv4({ ...four, more: true }, first))), v4(id(ipv4({ ...four, fragment: 4 }, second)))];
    };
    assert.deepEqual(await send(several(pieces).flat()), { sent: 16, replied: 3 });
    assert.deepEqual(counts(), [{ source: four.from, passed: 3, dropped: 5 }]);
    net.release(filter, four.from);
    const real = await lab.peers[0]!.ping({ count: 6, intervalMs: 5, size: 20_000, timeoutMs: 300 });
    assert.deepEqual([real.sent, real.received], [6, 3], "real ping with packets of three fragments");
  });

  test("IPv6 fragments", async () => {
    const pieces = (sequence: number) => {
      const message = icmp6(six, { size: 56, sequence });
      const piece = (payload: Buffer, offset: number, more: boolean) => {
        const part = fragment(protocols.icmp6, payload, { offset, more });
        part.writeUInt32BE(sequence, 4);
        return v6(ipv6({ ...six, next: protocols.fragment }, part));
      };
      return [piece(message.subarray(0, 32), 0, true), piece(message.subarray(32), 4, false)];
    };
    assert.deepEqual(await send(several(pieces).flat()), { sent: 16, replied: 3 });
  });

  test("packets whose headers do not lie in the buffer's linear part", async () => {
    const long = (sequence: number) => v4(ipv4(four, icmp({ size: 6000, sequence })));
    assert.deepEqual(await send(several(long), { inPieces: true }), { sent: 8, replied: 3 });
    const long6 = (sequence: number) =>
      v6(
        ipv6(
          { ...six, next: protocols.destination },
          options(protocols.icmp6, icmp6(six, { size: 6000, sequence }), 8),
        ),
      );
    assert.deepEqual(await send(several(long6), { inPieces: true }), { sent: 8, replied: 3 });
  });

  test("VLAN tags, one and two: counted and held to the threshold", async () => {
    // Without a VLAN device here nobody answers them: the filter's own counts tell.
    for (const tags of [
      [{ type: ethertypes.vlan, id: 7 }],
      [
        { type: ethertypes.qinq, id: 7 },
        { type: ethertypes.vlan, id: 8 },
      ],
    ]) {
      net.release(filter, four.from);
      const frames = several((sequence) => {
        const { type, payload } = tagged(tags, ethertypes.ipv4, ipv4(four, icmp({ sequence })));
        return ethernet(type, payload, link);
      });
      assert.equal((await send(frames)).sent, 8);
      assert.deepEqual(counts(), [{ source: four.from, passed: 3, dropped: 5 }]);
    }
  });

  test("a priority tag (VLAN 0) is answered as if there were none: three of eight", async () => {
    const frames = several((sequence) => {
      const { type, payload } = tagged(
        [{ type: ethertypes.vlan, id: 0 }],
        ethertypes.ipv4,
        ipv4(four, icmp({ sequence })),
      );
      return ethernet(type, payload, link);
    });
    assert.deepEqual(await send(frames), { sent: 8, replied: 3 });
  });

  test("truncated packets pass, uncounted, and nobody answers", async () => {
    const whole = ipv4(four, icmp());
    const cut = [12, 20, 24, 27].map((length) => v4(whole.subarray(0, length)));
    assert.deepEqual(await send(cut), { sent: 4, replied: 0 });
    assert.deepEqual(counts(), []);
  });
});

describe("other devices", () => {
  let inject: Awaited<ReturnType<typeof buildInject>>;
  let lab: net.Playground;
  before(async () => {
    inject = await buildInject();
    lab = await net.playground({ peers: 1 });
  });
  after(async () => {
    lab.close();
    await inject.remove();
  });

  const index = new URL("../../dist/api/index.js", import.meta.url).href;
  /** Runs a script in the peer's namespace, whose interfaces are its own. */
  const inside = async (script: string) => {
    const { stdout } = await lab.peers[0]!.run(process.execPath, [
      "--input-type=module",
      "-e",
      `import { bpf } from ${JSON.stringify(index)}; import { execa } from ${JSON.stringify(import.meta.resolve("execa"))};
      const filter = await bpf.load("tc_icmp_filter", { globals: { threshold: 3 } });
      ${script}
      console.log(JSON.stringify(filter.maps.peers.entries().map(([source, { passed, dropped }]) => ({ source, passed, dropped }))));
      filter.close();`,
    ]);
    return String(stdout)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  };

  test("loopback: three replies of eight, IPv4 and IPv6", async () => {
    const ping = (to: string) =>
      `{ const { stdout } = await execa("ping", ["-n", "-c", "8", "-i", "0.01", "-W", "0.2", "${to}"], { reject: false }); console.log(/(\\d+) received/.exec(stdout)[1]); }`;
    const [v4, v6, counted] = await inside(
      `await filter.attach({ interface: "lo" }); ${ping("127.0.0.1")} ${ping("::1")}`,
    );
    assert.deepEqual([v4, v6], [3, 3]);
    assert.deepEqual(
      (counted as { source: string }[]).sort((a, b) => (a.source < b.source ? -1 : 1)),
      [
        { source: "127.0.0.1", passed: 3, dropped: 5 },
        { source: "::1", passed: 3, dropped: 5 },
      ],
    );
  });

  test("a device without an Ethernet header (TUN): three replies of eight, IPv4 and IPv6", async () => {
    const four = { from: "198.19.255.2", to: "198.19.255.1" };
    const six = { from: "2001:db8:ffff::2", to: "2001:db8:ffff::1" };
    const packets = Array.from({ length: 8 }, (_, i) => [
      ipv4(four, icmp({ sequence: i })),
      ipv6(six, icmp6(six, { sequence: i })),
    ]).flat();
    const [said, counted] = await inside(`
      const tun = execa(${JSON.stringify(inject.binary)}, ["tun", "tun0", "200"], { stdin: "pipe" });
      await new Promise((resolve) => tun.stdout.once("data", resolve)); // "ready": the device is there
      for (const args of [["addr", "add", "${four.to}/24", "dev", "tun0"], ["addr", "add", "${six.to}/64", "dev", "tun0", "nodad"], ["link", "set", "tun0", "up"]]) await execa("ip", args);
      await filter.attach({ interface: "tun0" });
      tun.stdin.end(${JSON.stringify(packets.map((packet) => packet.toString("hex")).join("\n") + "\n")});
      const { stdout } = await tun;
      console.log(JSON.stringify(stdout.split("\\n").at(-1)));`);
    assert.equal(said, "sent 16 replied 6");
    assert.equal((counted as unknown[]).length, 2);
    for (const one of counted as { passed: number; dropped: number }[])
      assert.deepEqual([one.passed, one.dropped], [3, 5]);
  });
});
