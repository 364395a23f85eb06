"""Frames made from fields, and canonical filters judged on fields: what the policy says of a
packet, without a look at its bytes (doc/language.md 5.1)."""
import ipaddress
import random
import re

PORTS, LATER = (6, 17, 132), 1


# ---- filters ----

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[{}(),]|==|\.\.|[A-Za-z0-9_:./-]+?(?=\.\.)|[A-Za-z0-9_:./-]+)')


def tokens(text):
    at, found = 0, []
    while at < len(text):
        match = TOKEN.match(text, at)
        found.append(match.group(1))
        at = match.end()
    return found


def value_of(word):
    """A number, a text, (family, number)."""
    if word.startswith('"'):
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    if re.fullmatch(r"\d+", word):
        return int(word)
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", word):
        return int(word.replace(":", ""), 16)
    try:
        network = ipaddress.ip_network(word)
        return network
    except ValueError:
        return word


class Filter:
    def __init__(self, text):
        self.tokens = tokens(text)
        self.at = 0
        self.constants = []  # (field, member)
        self.holds = self.either()
        if self.at != len(self.tokens):
            raise ValueError(f"left over: {self.tokens[self.at:]} in {text}")

    def take(self, *words):
        if self.at < len(self.tokens) and self.tokens[self.at] in words:
            self.at += 1
            return True
        return False

    def word(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self):
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda p: any(f(p) for f in parts)

    def both(self):
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda p: all(f(p) for f in parts)

    def one(self):
        if self.take("not"):
            inner = self.one()
            return lambda p: not inner(p)
        if self.take("("):
            inner = self.either()
            self.take(")")
            return inner
        if self.take("true"):
            return lambda p: True
        if self.take("false"):
            return lambda p: False
        field = self.word()
        if self.take("=="):
            members = [self.member()]
        else:
            self.take("in")
            members = self.members()
        self.constants += [(field, m) for m in members]
        return lambda p: field in p and any(is_in(p[field], m) for m in members)

    def members(self):
        if not self.take("{"):
            return [self.member()]
        members = [self.member()]
        while self.take(","):
            members.append(self.member())
        self.take("}")
        return members

    def member(self):
        low = value_of(self.word())
        if self.take(".."):
            return low, value_of(self.word())
        return low, low


def number_of(value):
    """Comparable within one family."""
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value.version, int(value.network_address)
    return value


def is_in(value, member):
    low, high = member
    if isinstance(low, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        first = number_of(low)
        last = high.version, int(high.broadcast_address)
        return value[0] == first[0] and first[1] <= value[1] <= last[1]
    if isinstance(low, str) or isinstance(value, str):
        return value == low
    return low <= value <= high


# ---- frames ----

def put(frame, at, size, value):
    frame[at:at + size] = value.to_bytes(size, "big")


class Maker:
    """Random frames that like the values that the filters speak of."""

    def __init__(self, seed, filters):
        self.random = random.Random(seed)
        self.liked = {}
        for f in filters:
            for field, (low, high) in f.constants:
                self.like(field, low, high)

    def like(self, field, low, high):
        liked = self.liked.setdefault(field, set())
        if isinstance(low, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
            first, last = int(low.network_address), int(high.broadcast_address)
            top = 2 ** low.max_prefixlen - 1
            liked.update((low.version, v) for v in (first, last, (first + last) // 2) + (
                (first - 1,) if first else ()) + ((last + 1,) if last < top else ()))
        elif isinstance(low, int):
            liked.update(v for v in (low, high, low - 1, high + 1) if v >= 0)

    def some(self, field, top, family=None):
        liked = sorted(v for v in self.liked.get(field, ()) if family is None or v[0] == family)
        if family is not None:
            liked = [v[1] for v in liked]
        liked = [v for v in liked if v <= top]
        if liked and self.random.random() < 0.7:
            return self.random.choice(liked)
        return self.random.randint(0, top)

    def frame(self, device=None):
        frame = bytearray(self.random.randbytes(160))
        fields = {"eth.dst": self.some("eth.dst", 2**48 - 1), "eth.src": self.some("eth.src", 2**48 - 1)}
        kind = self.random.choice((4, 4, 4, 6, 6, 0))
        fields["eth.type"] = {4: 0x0800, 6: 0x86dd}.get(kind) or self.other_type()
        put(frame, 0, 6, fields["eth.dst"])
        put(frame, 6, 6, fields["eth.src"])
        at = 12
        if self.random.random() < 0.25:
            vlan = self.some("vlan.id", 4095)
            put(frame, at, 2, 0x8100)
            put(frame, at + 2, 2, self.random.randrange(16) << 12 | vlan)
            if vlan < 4095:
                fields["vlan.id"] = vlan
            at += 4
        put(frame, at, 2, fields["eth.type"])
        if device:
            fields["port.in"] = device
        if kind == 4:
            self.ip4(frame, at + 2, fields)
        elif kind == 6:
            self.ip6(frame, at + 2, fields)
        return bytes(frame), fields

    def other_type(self):
        value = self.some("eth.type", 0xffff)
        return value if value not in (0x0800, 0x86dd, 0x8100) else 0x0806

    def protocol(self):
        if self.random.random() < 0.5:
            return self.random.choice((1, 6, 17, 58, 132))
        return self.some("ip.proto", 255)

    def common(self, fields, family, top):
        fields["ip.src"] = family, self.some("ip.src", top, family)
        fields["ip.dst"] = family, self.some("ip.dst", top, family)
        fields["ip.proto"] = self.protocol()
        fields["ip.dscp"] = self.some("ip.dscp", 63)
        fields["ip.ttl"] = self.some("ip.ttl", 255)

    def ip4(self, frame, at, fields):
        words = self.random.choice((5, 5, 5, 5, 6, 10, 15))
        offset = self.random.choice((0, 0, 0, 0, 1, 185, 0x1fff))
        self.common(fields, 4, 2**32 - 1)
        fields["ip.frag"] = LATER if offset else 0
        put(frame, at, 1, 0x40 | words)
        put(frame, at + 1, 1, fields["ip.dscp"] << 2 | self.random.randrange(4))
        put(frame, at + 6, 2, self.random.randrange(8) << 13 | offset)
        put(frame, at + 8, 1, fields["ip.ttl"])
        put(frame, at + 9, 1, fields["ip.proto"])
        put(frame, at + 12, 4, fields["ip.src"][1])
        put(frame, at + 16, 4, fields["ip.dst"][1])
        self.transport(frame, at + 4 * words, fields)

    def ip6(self, frame, at, fields):
        self.common(fields, 6, 2**128 - 1)
        put(frame, at, 4, 6 << 28 | fields["ip.dscp"] << 22 | self.random.randrange(2**22))
        put(frame, at + 6, 1, fields["ip.proto"])
        put(frame, at + 7, 1, fields["ip.ttl"])
        put(frame, at + 8, 16, fields["ip.src"][1])
        put(frame, at + 24, 16, fields["ip.dst"][1])
        fields["ip.frag"] = 0
        at += 40
        if self.random.random() < 0.15 or fields["ip.proto"] == 44:
            offset = self.random.choice((0, 1, 0x1fff))
            put(frame, at - 34, 1, 44)
            fields["ip.proto"] = self.protocol()
            fields["ip.frag"] = LATER if offset else 0
            put(frame, at, 1, fields["ip.proto"])
            put(frame, at + 2, 2, offset << 3 | self.random.randrange(8))
            at += 8
        self.transport(frame, at, fields)

    def transport(self, frame, at, fields):
        whole, proto = not fields["ip.frag"], fields["ip.proto"]
        if whole and proto in PORTS:
            for i, field in enumerate(("l4.sport", "l4.dport")):
                fields[field] = self.some(field, 65535)
                put(frame, at + 2 * i, 2, fields[field])
        if whole and proto == 6:
            fields["tcp.flags"] = self.some("tcp.flags", 255)
            put(frame, at + 13, 1, fields["tcp.flags"])
        if proto in (1, 58):
            for i, field in enumerate(("icmp.type", "icmp.code")):
                fields[field] = self.some(field, 255)
                put(frame, at + i, 1, fields[field])
