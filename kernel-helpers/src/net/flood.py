"""Sends ICMP echo requests at a steady rate, answered or not, and says as JSON how many there were, how long it
took, and how many replies came to this network namespace meanwhile, by the kernel's own count."""

import json
import os
import socket
import struct
import sys
import time

GRACE = 0.1  # seconds: for the last requests of a machine that is behind, and for the last replies
BURST = 1000  # requests between two looks at the clock
ICMP_FILTER = 1  # of a raw socket: the kernel keeps replies to itself, for nobody reads them

target, per_second, seconds, size = sys.argv[1], *map(float, sys.argv[2:])
v6 = ":" in target


def replies():
    if v6:
        with open("/proc/net/snmp6") as counters:
            return int(dict(line.split() for line in counters)["Icmp6InEchoReplies"])
    with open("/proc/net/snmp") as counters:
        names, values = [line.split() for line in counters if line.startswith("Icmp:")]
    return int(dict(zip(names, values))["InEchoReps"])


def request():
    kind = 128 if v6 else 8
    data = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, 1) + b"a" * int(size)
    if v6:
        return data  # the kernel knows the addresses that this checksum covers
    even = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return data[:2] + struct.pack("!H", ~total & 0xFFFF) + data[4:]


sender = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
sender.setsockopt(socket.IPPROTO_ICMPV6 if v6 else 255, ICMP_FILTER, b"\xff" * (32 if v6 else 4))
sender.connect((target, 0))

packet = request()
wanted = round(per_second * seconds)
before = replies()
begun = time.monotonic()
sent = 0
took = 0.0
try:
    while sent < wanted and took < seconds + GRACE:
        due = min(wanted, int(per_second * took) + 1) - sent
        for _ in range(min(due, BURST)):
            sender.send(packet)
            sent += 1
        if due < BURST:
            time.sleep(0.001)
        took = time.monotonic() - begun
except KeyboardInterrupt:
    took = time.monotonic() - begun
time.sleep(GRACE)
print(json.dumps({"sent": sent, "received": replies() - before, "seconds": took}))
