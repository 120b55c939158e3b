"""ICMP echo requests with VLAN tags: vlan.py send INTERFACE TAGS COUNT; vlan.py receive INTERFACE TAGS COUNT.

`receive` says "ready", and then how many came through: what a filter on the interface has dropped reaches no socket that
asks for one protocol. The kernel takes the outermost tag off before either of them.
"""

import socket
import struct
import sys

VLAN, IPV4 = 0x8100, 0x0800
MARK = b"bpflab-vlan"
SOURCE, TARGET = socket.inet_aton("198.51.100.7"), socket.inet_aton("198.51.100.8")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def frame(tags):
    icmp = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + MARK.ljust(24, b"\0")
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0, SOURCE, TARGET)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    labels = b"".join(struct.pack("!HH", VLAN, 7 + i) for i in range(tags))
    return b"\xff" * 6 + b"\x02\0\0\0\0\x07" + labels + struct.pack("!H", IPV4) + ip + icmp


what, interface, tags, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if what == "send":
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        for _ in range(count):
            out.send(frame(tags))
else:
    protocol = IPV4 if tags == 1 else VLAN
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol)) as incoming:
        incoming.bind((interface, protocol))
        incoming.settimeout(2)
        print("ready", flush=True)
        got = 0
        try:
            while got < count:
                got += MARK in incoming.recv(2048)
        except TimeoutError:
            pass
        print(got, flush=True)
