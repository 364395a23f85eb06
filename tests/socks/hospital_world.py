"""The sites of examples/hospital.epi: a namespace for each node with the policy's addresses, a network between them that
lets nobody but proxies reach other nodes, servers at every node, and clients.  For hospital_test.py."""
import ctypes
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import world as w
from wire import Wire
from world import expect

CLONE_NEWNET = 0x40000000
HTTPS, OTHER, METRICS, SOCKS, FRONT, BROKER = 443, 8443, 8125, 1080, 8080, 8443
LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """`with` it, the calling thread makes its sockets there."""

    def __init__(self, world, name):
        self.holder = world.start(f"namespace {name}", "unshare", "-n", "sleep", "600")
        self.pid, self.stack = self.holder.pid, threading.local()
        own = os.readlink("/proc/self/ns/net")
        w.eventually(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != own, f"a namespace for {name}")

    def __enter__(self):
        self.stack.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with open(f"/proc/{self.pid}/ns/net", encoding="ascii") as there:
            expect(not LIBC.setns(there.fileno(), CLONE_NEWNET), "a namespace can be entered")

    def __exit__(self, *_):
        LIBC.setns(self.stack.home, CLONE_NEWNET)
        os.close(self.stack.home)

    def run(self, *words, check=True):
        return w.sh("nsenter", "-t", str(self.pid), "-n", *words, check=check)

    def script(self, lines):
        done = subprocess.run(["nsenter", "-t", str(self.pid), "-n", "sh", "-e"], input="\n".join(lines), text=True,
                              capture_output=True, timeout=60, check=False)
        expect(done.returncode == 0, f"{lines[0]} ...: {done.stderr}")


def is_six(address):
    return ":" in address


def has(addresses, version):
    return any(is_six(a) == (version == 6) for a in addresses)


# ---- the plan ----

class Plan:
    """What epic says about a policy."""

    def __init__(self, world, path, name, *arguments, code=0):
        self.out = world.path(name)
        done = w.sh(w.EPIC, "compile", "-q", *arguments, "-o", self.out, "--emit", "plan.json", path, check=False)
        expect(done.returncode == code, f"epic compile {path}: {done.returncode}: {done.stderr}")
        module = next(f for f in os.listdir(self.out) if f.endswith(".plan"))
        self.path = os.path.join(self.out, module)
        with open(self.path + ".json", encoding="utf-8") as f:
            self.rows = json.load(f)
        self.nodes = {n["name"]: [a.partition("/")[0] for a in n["addresses"]] for n in self.rows["nodes"]}
        self.flows = self.rows["flows"]
        self.targets = {t["name"]: t["config"] for t in self.rows["targets"]}

    def flow(self, source, destination, protocol, port):
        """The row of nodes, a protocol's number and a port; None: the policy does not speak of it."""
        for flow in self.flows:
            wanted = re.fullmatch(r"ip\.proto == (\d+) and l4\.dport == (\d+)", flow["when"])
            expect(wanted, f"the test reads {flow['when']!r}")
            if (flow["from"], flow["to"], int(wanted[1]), int(wanted[2])) == (source, destination, protocol, port):
                return flow
        return None

    def may(self, target, source, destination, protocol, port):
        """Whether TARGET, asked by the SOURCE itself, should let it pass."""
        flow = self.flow(source, destination, protocol, port)
        if not flow or flow["status"] not in ("direct", "bridged"):
            return False
        chains = [c for c in self.targets[target]["chains"] if self.flows[c["flow"]] is flow]
        return any(len(c["links"]) == len(flow["bridge"]) for c in chains)


# ---- the network ----

class Sites:
    """All nodes around one router.  STRANGERS: further ones that the policy does not know."""

    def __init__(self, world, plan, strangers):
        self.world, self.nodes = world, {**plan.nodes, **strangers}
        self.router = Namespace(world, "router")
        self.at = {}
        for number, (name, addresses) in enumerate(self.nodes.items()):
            self.at[name] = Namespace(world, name)
            self.connect(number, name, addresses)
        self.router.script(["echo 1 >/proc/sys/net/ipv4/ip_forward", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
                            "nft -f - <<END", *self.rules(plan), "END"])

    def connect(self, number, name, addresses):
        """A cable; the router is fe80::1 and 169.254.0.1 at all of them."""
        here, there = f"node{number}", self.at[name].pid
        self.router.script([
            f"ip link add {here} type veth peer name eth0 netns {there}",
            f"ip address add 169.254.0.1/32 dev {here}", f"ip address add fe80::1/64 dev {here} nodad",
            f"ip link set {here} up",
            *(f"ip {'-6 ' if is_six(a) else ''}route add {a} dev {here}" for a in addresses)])
        self.at[name].script([
            "ip link set lo up", "ip link set eth0 up",
            *(f"ip address add {a}/{'128' if is_six(a) else '32'} dev eth0 {'nodad' if is_six(a) else ''}" for a in addresses),
            *(["ip route add 169.254.0.1 dev eth0", "ip route add default via 169.254.0.1"] if has(addresses, 4) else []),
            *(["ip -6 route add default via fe80::1 dev eth0"] if has(addresses, 6) else [])])

    @staticmethod
    def rules(plan):
        """Between nodes only what begins or ends at a proxy."""
        proxies = [a for n in plan.rows["nodes"] if n["kind"] == "proxy" for a in plan.nodes[n["name"]]]
        for family, hosts in ("ip", [a for a in proxies if not is_six(a)]), ("ip6", [a for a in proxies if is_six(a)]):
            yield f"table {family} sites {{ chain between {{ type filter hook forward priority 0; policy drop;"
            for end in "saddr", "daddr":
                yield f"{family} {end} {{ {', '.join(hosts)} }} accept"
            if family == "ip6":
                yield "meta l4proto ipv6-icmp accept"
            yield "meta l4proto tcp reject with tcp reset"
            yield "}"
            yield "}"

    def start(self, name, node, *words, at=None, **more):
        """A program at a node; AT: address and port at which it soon listens."""
        process = self.world.start(name, *words, namespace=self.at[node].pid, **more)
        if at:
            def reached():
                expect(process.poll() is None, f"{name} ended with {process.returncode}: {self.world.tail(process)}")
                with self.at[node], socket.socket(socket.AF_INET6 if is_six(at[0]) else socket.AF_INET) as s:
                    return s.connect_ex(at) == 0
            w.eventually(reached, f"{name} does not listen")
        return process

    def curl(self, node, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        done = subprocess.run(["nsenter", "-t", str(self.at[node].pid), "-n", "curl", "-sS", "--max-time", "10", *arguments],
                              env=environment, capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr.strip()

    def dial(self, node, host, port, source=None):
        with self.at[node]:
            s = socket.create_connection((host, port), w.WAIT, (source, 0) if source else None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def wire(self, node):
        with self.at[node]:
            return Wire("eth0")


# ---- servers ----

def who_is_asked(server, connection):
    """Under TLS or not: tells who was reached by whom, or sends back what comes."""
    connection.settimeout(60)
    client = connection.getpeername()[0]
    if connection.recv(1, socket.MSG_PEEK) == b"\x16":
        connection = server.tls.wrap_socket(connection, server_side=True)
    word = b""
    while not word.endswith(b"\n"):
        word += connection.recv(1) or b"\n"
    answer = f"server {server.node} client {client}\n".encode()
    if word == b"echo\n":
        connection.sendall(b"go\n")
        w.echo(connection)
    elif word == b"who\n":
        connection.sendall(answer)
    elif word.startswith(b"GET "):
        while not word.endswith(b"\r\n\r\n"):
            word += connection.recv(1) or b"\r\n\r\n"
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
    connection.close()


class Servers:
    """At every address of a node: HTTPS and one other port by TCP, metrics by UDP."""

    def __init__(self, node, addresses, tls):
        self.node, self.tls, self.listeners = node, tls, []
        for address in addresses:
            family = socket.AF_INET6 if is_six(address) else socket.AF_INET
            for port in HTTPS, OTHER:
                self.listeners.append(w.Server(lambda c: who_is_asked(self, c), address, port, family))
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            datagrams.bind((address, METRICS))
            threading.Thread(target=self.answer, args=(datagrams,), daemon=True).start()

    def answer(self, datagrams):
        while True:
            data, client = datagrams.recvfrom(65536)
            datagrams.sendto(f"{self.node} {client[0]} ".encode() + data, client)

    def accepted(self):
        return sum(s.accepted for s in self.listeners)


def tls_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


class Authority:
    """Signs certificates."""

    def __init__(self, world):
        self.world = world
        self.certificate, self.key = self.make("authority", "-addext", "keyUsage=critical,keyCertSign")

    def make(self, name, *more):
        certificate, key = self.world.path(name + ".pem"), self.world.path(name + ".key")
        w.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-keyout", key, "-out", certificate, *more)
        return certificate, key

    def sign(self, name, *names):
        return self.make(name, "-CA", self.certificate, "-CAkey", self.key, "-addext", "basicConstraints=critical,CA:FALSE",
                         "-addext", f"subjectAltName={','.join(names)}")


# ---- clients ----

def ask(sites, node, proxy, host, port, source=None):
    """A connection by SOCKS6, and the reply code; closed unless that is 0."""
    s = sites.dial(node, proxy, SOCKS, source)
    s.sendall(w.request6(host, port))
    kind = w.auth_reply6(s)[0]
    expect(kind == 0, f"authentication: {kind}")
    code = w.reply6(s)[0]
    if code:
        expect(w.is_over(s), "a refusal is the end")
        s.close()
    return s, code


def who(s):
    """Whom a connection has reached."""
    with s:
        s.sendall(b"who\n")
        return w.receive_all(s).decode()


def echo(s):
    """From now on what is sent comes back."""
    s.sendall(b"echo\n")
    expect(w.receive(s, 3) == b"go\n", "an echo")
    return s


class Associate:
    """Datagrams by SOCKS6."""

    def __init__(self, sites, node, proxy):
        self.control = sites.dial(node, proxy, SOCKS)
        self.control.sendall(w.request6("0.0.0.0", 0, command=3))
        expect(w.auth_reply6(self.control)[0] == 0, "authentication")
        code, host, port, _ = w.reply6(self.control)
        expect(code == 0, f"an association: {code}")
        self.relay, self.id = (host if host != "0.0.0.0" else proxy, port), self.initialised()
        with sites.at[node]:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((sites.nodes[node][0], 0))

    def initialised(self):
        """draft-olteanu-intarea-socks-6-11 section 10: the proxy tells the association's number."""
        head = w.receive(self.control, 12)
        expect((head[0], head[1]) == (6, 1), f"an initialisation: {head.hex(' ')}")
        return head[4:12]

    def exchange(self, host, port, data, seconds=w.WAIT):
        """The answer, or None."""
        where = w.packed(host)
        message = self.id + where[:1] + b"\0" + port.to_bytes(2, "big") + where[1:] + data
        self.socket.sendto(b"\6\3" + (4 + len(message)).to_bytes(2, "big") + message, self.relay)
        self.socket.settimeout(seconds)
        try:
            got = self.socket.recv(65536)
        except socket.timeout:
            return None
        expect(got[:2] == b"\6\3" and got[4:12] == self.id, f"a datagram of the association: {got[:24].hex(' ')}")
        return got[16 + {1: 4, 4: 16}[got[12]]:]

    def close(self):
        self.socket.close()
        self.control.close()


def events(process):
    """Lines of its log."""
    lines = []
    with open(process.log, encoding="utf-8", errors="replace") as f:
        for line in f:
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"event": "text", "message": line})
    return lines


def logged(process, event, text, seconds=5):
    """Waits for a line whose reason or message has TEXT."""
    def found():
        return any(e.get("event") == event and text in e.get("reason", "") + e.get("message", "") for e in events(process))
    until = time.monotonic() + seconds
    while not found() and time.monotonic() < until:
        time.sleep(0.05)
    return found()
