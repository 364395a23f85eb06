#!/usr/bin/python3
"""What leaves epic-dpdkd equals, packet by packet, what `epic trace` says: the exit, the copies
and the class, on random pipelines and random packets."""
import ipaddress
import json
import os
import random
import struct
import subprocess
import tempfile

import dataplane as dp

PIPELINES = max(2, 24 // dp.SCALE)
PACKETS = 100

# ---- packets ----

ADDRESSES = ["10.0.0.1", "10.0.0.200", "10.1.2.3", "10.1.200.9", "192.0.2.7", "198.51.100.1", "203.0.113.5"]
ADDRESSES6 = ["2001:db8::1", "2001:db8:1::5", "fd00::9", "2001:db8:1:2::3"]
PORTS = [22, 53, 80, 443, 5060, 8080, 40000]
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmpv6": 58, "gre": 47, "esp": 50}


class Packet:
    def __init__(self, rng, number):
        self.number = number
        self.six = rng.random() < 0.25
        pool = ADDRESSES6 if self.six else ADDRESSES
        self.src, self.dst = rng.choice(pool), rng.choice(pool)
        self.proto = rng.choice(["tcp", "tcp", "udp", "udp", "sctp", "icmpv6" if self.six else "icmp", "gre", "esp"])
        self.ports = (rng.choice(PORTS), rng.choice(PORTS))
        self.ttl, self.dscp = rng.choice([1, 2, 64, 255]), rng.choice([0, 10, 46])
        self.flags = rng.choice([2, 16, 18, 24])
        self.icmp = (rng.choice([0, 3, 8, 128]), rng.choice([0, 1]))
        self.vlan = rng.choice([None, None, 7, 100])
        self.frag = not self.six and self.proto != "icmp" and rng.random() < 0.08

    def has_ports(self):
        return self.proto in ("tcp", "udp", "sctp") and not self.frag

    def l4(self):
        mark = struct.pack("!I", self.number)
        if self.frag:
            return mark.rjust(24, b"\0")
        head = struct.pack("!HH", *self.ports)
        if self.proto == "tcp":
            return head + struct.pack("!IIBBHHH", 1, 2, 0x50, self.flags, 1000, 0, 0) + mark
        if self.proto == "udp":
            return head + struct.pack("!HH", 12, 0) + mark
        if self.proto == "sctp":
            return head + bytes(8) + mark
        if self.proto in ("icmp", "icmpv6"):
            return struct.pack("!BBHI", *self.icmp, 0, 0) + mark
        return bytes(16) + mark

    def frame(self):
        inner, proto = self.l4(), PROTOCOLS[self.proto]
        tag = b"" if self.vlan is None else struct.pack("!HH", 0x8100, self.vlan)
        ether = bytes.fromhex("020000000002020000000001") + tag
        src, dst = ipaddress.ip_address(self.src).packed, ipaddress.ip_address(self.dst).packed
        if self.six:
            head = struct.pack("!IHBB", 6 << 28 | self.dscp << 22, len(inner), proto, self.ttl) + src + dst
            return ether + b"\x86\xdd" + head + inner
        head = struct.pack("!BBHHHBBH", 0x45, self.dscp << 2, 20 + len(inner), 1, 64 if self.frag else 0,
                           self.ttl, proto, 0) + src + dst
        head = head[:10] + struct.pack("!H", dp.checksum(head)) + head[12:]
        return ether + b"\x08\x00" + head + inner

    def text(self):
        def end(address, port):
            if not self.has_ports():
                return address
            return f"[{address}]:{port}" if self.six else f"{address}:{port}"
        words = [f"{self.proto} {end(self.src, self.ports[0])} > {end(self.dst, self.ports[1])}",
                 f"ip.ttl={self.ttl}", f"ip.dscp={self.dscp}", "eth.src=02:00:00:00:00:01",
                 "eth.dst=02:00:00:00:00:02", f"eth.type={0x86dd if self.six else 0x0800}"]
        if self.vlan is not None:
            words.append(f"vlan.id={self.vlan}")
        if self.frag:
            words.append("ip.frag=1")
        if self.proto == "tcp" and not self.frag:
            words.append(f"tcp.flags={self.flags}")
        if self.proto in ("icmp", "icmpv6") and not self.frag:
            words += [f"icmp.type={self.icmp[0]}", f"icmp.code={self.icmp[1]}"]
        return " ".join(words)


# ---- policies ----

PARTITIONS = [
    ["ip.dst in 10.0.0.0/24", "ip.dst in 10.1.0.0/16", "ip.dst in {192.0.2.0/24, 2001:db8::/48}"],
    ["80/tcp", "443/tcp", "53/udp", "l4.dport in 5000..6000"],
    ["ip.proto == tcp", "ip.proto == udp", "ip.proto == icmp"],
    ["vlan.id == 7", "vlan.id == 100"],
    ["ip.ttl in 0..1", "ip.ttl in 64..128"],
    ["ip.dscp == 46", "ip.dscp == 10"],
    ["ip.src in fd00::/8", "ip.src in 10.0.0.0/8 and not ip.src == 10.0.0.1"],
    ["tcp.flags == 2", "tcp.flags in 16..18"],
    ["icmp.type == 8", "icmp.type in {0, 3}"],
    ["ip.frag == 1", "l4.sport > 1024 and not ip.proto == sctp"],
]
COPIES = ["53/udp", "ip.ttl == 1", "ip.dst in 10.0.0.0/8", "not 443/tcp", "ip.frag == 1"]
MATCHES = ["ip.proto == tcp", "ip.proto == udp and not l4.dport == 53", "53/udp", "ip.dst in 2001:db8::/32 and ip.proto == sctp",
           "ip.proto in {icmp, icmpv6}"]
FUNCTIONS = ["dp.acl", "dp.lookup", "dp.work { cost 1cycles; }", "dp.counter", "dp.queue", "dp.classifier"]


def policy(rng):
    """Layers of modules; every fork takes disjoint filters from one row above."""
    layers = [["rx"]]
    for depth in range(rng.randint(1, 4)):
        layers.append([f"m{depth}{i}" for i in range(rng.randint(1, 3))])
    exits = [f"x{i}" for i in range(rng.randint(1, 4))]
    layers.append(exits)
    lines = ['rx : dp.port-in { device "in"; }']
    for name in sum(layers[1:-1], []):
        function = rng.choice(FUNCTIONS)
        lines.append(f"{name} : {function}" + ("" if "}" in function else ";"))
    lines += [f'{x} : dp.port-out {{ device "{x}"; }}' for x in exits]
    edges, reached = [], {"rx"}
    for i, layer in enumerate(layers[:-1]):
        for module in [m for m in layer if m in reached]:
            later = sum(layers[i + 1:], [])
            filters = list(rng.choice(PARTITIONS))
            rng.shuffle(filters)
            filters = filters[:rng.randint(0, len(filters))]
            targets = rng.sample(later, min(len(filters) + 1, len(later)))
            for target, when in zip(targets[1:], filters):
                edges.append(f"{module} -> {target} when {when};")
                reached.add(target)
            if not filters or rng.random() < 0.8 or len(targets) == 1:
                edges.append(f"{module} -> {targets[0]}{' otherwise' if len(targets) > 1 else ''};")
                reached.add(targets[0])
            if rng.random() < 0.3:
                extra = rng.choice(later)
                if extra not in targets:
                    edges.append(f"{module} ->> {extra} when {rng.choice(COPIES)};")
                    reached.add(extra)
    lines = [line for line in lines if line.split()[0] in reached]
    matches = rng.sample(MATCHES, rng.randint(1, len(MATCHES)))
    text = "edition 1;\nmodule random;\nuse std.dataplane as dp;\n\npipeline p {\n"
    text += "\n".join("  " + line for line in lines + edges) + "\n}\n"
    for i, match in enumerate(matches):
        text += f"class c{i} {{ match {match}; through p.*; rate 1kpps; packet 64B; }}\n"
    names = [f"c{i}" for i in range(len(matches))]
    cpu = f"cpu {' : '.join(names)} = {' : '.join('1' for _ in names)};" if len(names) > 1 else ""
    text += f"slo s {{ {cpu} accounting entitlement; tolerance 50%; objective {rng.choice(['tasks', 'throughput'])}; }}\n"
    enforce = rng.random() < 0.8
    text += f"target t : dpdk {{ for p; {'enforce s; workers 1; clock 2GHz;' if enforce else ''} }}\n"
    return text, [x for x in exits if x in reached]


# ---- what should happen, and what does ----

def ends(steps):
    """The exits of a way and of its copies."""
    for step in steps:
        for copy in step["copies"]:
            yield from ends(copy["steps"])
        if step["end"] == "exit":
            yield step["module"].split(".")[-1]


def trace(path, packet):
    done = subprocess.run([dp.EPIC, "trace", "-q", "--as", "json", packet.text(), path],
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode not in (0, 4):
        dp.fail(f"trace {packet.text()!r} of {path}: {done.stderr}")
    walk = json.loads(done.stdout)["walks"][0]
    return sorted(ends(walk["steps"])), walk["classes"]


def compiled(folder, name, rng):
    """The plan of a random policy; those with empty classes or slos out of reach are passed over."""
    for _ in range(50):
        text, exits = policy(rng)
        cut = rng.choice(["--partition=branches", "--partition=front", "--partition=auto"])
        for flags in [cut], []:
            plan, errors = dp.compile_policy(folder, name, text, *flags)
            if plan:
                return plan, text, exits
        dp.expect("E0509" in errors or "E07" in errors, f"a made policy does not compile: {errors}\n{text}")
    return dp.fail("no random policy compiles")


def compare(folder, name, rng, seen):
    plan, text, exits = compiled(folder, name, rng)
    packets = [Packet(rng, number) for number in range(PACKETS)]
    dp.write_pcap(f"{folder}/{name}.pcap", [p.frame() for p in packets])
    outputs = {x: f"{folder}/{name}.{x}.pcap" for x in exits}
    devices = [f"--device=in=replay:{folder}/{name}.pcap,speed=max"]
    devices += [f"--device={x}=net_pcap_{x},tx_pcap={path}" for x, path in outputs.items()]
    stats = dp.run(plan, *devices)
    left = {number: [] for number in range(PACKETS)}
    for x, path in outputs.items():
        for frame in dp.read_pcap(path):
            number = struct.unpack("!I", frame[-4:])[0]
            dp.expect(frame == packets[number].frame(), f"packet {number} was changed")
            left[number].append(x)
    counts = {}
    for p in packets:
        wanted, classes = trace(f"{folder}/{name}.epi", p)
        dp.expect(sorted(left[p.number]) == wanted,
                  f"{p.text()!r} left by {left[p.number]}, the interpreter says {wanted}\n{text}")
        for belongs in classes[:1]:
            counts[belongs] = counts.get(belongs, 0) + 1
        seen["packets"] += 1
        seen["copies"] += len(wanted) > 1
        seen["dropped"] += not wanted
    for c in stats["classes"]:  # what is dropped on the way may count with a class, too
        came = c["received"] + c["entered"] - c["left"]
        dp.expect(came >= counts.get(c["name"], 0),
                  f"class {c['name']}: {came} packets, the interpreter says {counts.get(c['name'], 0)}\n{text}")
    seen["queues"] += sum(t["queue"] for t in stats["tasks"])


def main():
    seen = {"packets": 0, "copies": 0, "dropped": 0, "queues": 0}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(PIPELINES):
            compare(folder, f"r{i}", random.Random(1000 + i), seen)
    print(seen)
    dp.expect(dp.SCALE > 1 or all(seen.values()), "the random policies do not cover copies, drops and queues")


os.environ.pop("EPIC_PATH", None)
main()
