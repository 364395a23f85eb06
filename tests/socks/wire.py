#!/usr/bin/python3
"""What goes over a wire, seen from outside: the application's bytes of TCP, in both directions.

    wire.py INTERFACE ADDRESS:PORT NAME [ADDRESS:PORT NAME...]

prints one line for the first application bytes that go to each of these, as they come; requests of SOCKS6 and PROXY
headers are skipped.  As a module, collects all."""
import select
import socket
import struct
import sys
import threading

ALL, OUTGOING, LARGEST = 3, 4, 1 << 17
SOL_PACKET, PACKET_STATISTICS = 263, 6
FIRST = 38


def tcp_of(packet):
    """Source, destination, both with port, and payload; None: it is something else."""
    if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
        at, end = (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0] or len(packet)
        hosts = [socket.inet_ntop(socket.AF_INET, packet[i:i + 4]) for i in (12, 16)]
    elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
        at, end = 40, 40 + struct.unpack("!H", packet[4:6])[0]
        hosts = [socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24)]
    else:
        return None
    ports = struct.unpack("!HH", packet[at:at + 4])
    head = at + (packet[at + 12] >> 4) * 4
    return (hosts[0], ports[0]), (hosts[1], ports[1]), packet[head:end]


class Wire:
    """Listens at an interface of the namespace that it is made in, until it is closed."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((interface, ALL))
        self.seen, self.ending = [], False
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        while True:
            if not select.select([self.socket], [], [], 0.2)[0]:
                if self.ending:
                    return
                continue
            try:
                packet = self.socket.recv(LARGEST)
            except OSError:  # the interface is gone
                return
            segment = packet and tcp_of(packet)
            if segment and segment[2]:
                self.seen.append(segment)

    def close(self):
        """All that was seen, and how many packets were missed."""
        self.ending = True
        self.thread.join()
        missed = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        self.socket.close()
        return self.seen, missed


def behind_request(data):
    """Without a request of SOCKS6 or a PROXY header at its beginning."""
    if data.startswith(b"PROXY "):
        return data.partition(b"\r\n")[2]
    if data[:2] != b"\6\1" or len(data) < 8:
        return data
    return data[8 + {1: 4, 4: 16}.get(data[7], 0) + struct.unpack("!H", data[2:4])[0]:]


def main():
    if len(sys.argv) < 4 or len(sys.argv) % 2:
        sys.exit(__doc__)
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
    tap.bind((sys.argv[1], ALL))
    names = {}
    for at, name in zip(sys.argv[2::2], sys.argv[3::2]):
        host, _, port = at.rpartition(":")
        names[host.strip("[]"), int(port)] = name
    print("ready", flush=True)
    while names:
        segment = tcp_of(tap.recv(LARGEST))
        data = behind_request(segment[2]) if segment and segment[1] in names else b""
        if data:
            text = "".join(chr(b) if 32 <= b < 127 else "." for b in data[:FIRST])
            print(f"{names.pop(segment[1]):28} {text}", flush=True)


if __name__ == "__main__":
    main()
